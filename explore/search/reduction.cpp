// SPDX-License-Identifier: Apache-2.0
#include "explore/search/reduction.hpp"

#include <bit>
#include <cstdlib>
#include <new>

#include "explore/engine/arena.hpp"

namespace rcuvm::explore {

reduction::reduction() : access_at_{static_cast<std::uint32_t*>(std::calloc(arena::size / 4, 4)), std::free} {
  if (access_at_ == nullptr) throw std::bad_alloc{};
}

void reduction::begin_run() {
  for (const accesses& each : accesses_) access_at_[each.where.first / 4] = 0;
  accesses_.clear();
  frees_.clear();
  past_.clear();
  order_ = {};
  depth_ = 0;
  sleep_ = 0;
  threads_ = 0;
}

reduction::accesses& reduction::accesses_to(span_of_bytes where) {
  std::uint32_t& index = access_at_[where.first / 4];
  // The places that are no memory lie closer together than 4 bytes.
  if (where.first < place::first_offset) {
    for (accesses& each : accesses_) {
      if (each.where.first == where.first) return each;
    }
  } else if (index != 0) {
    return accesses_[index - 1];
  }
  accesses& made = accesses_.emplace_back();
  made.where = where;
  made.read.fill(none);
  made.shared_take.fill(none);
  index = static_cast<std::uint32_t>(accesses_.size());
  return made;
}

/// The accesses to what a step touches: one object, or for a free all in it.
template <class F>
void reduction::for_each_access(const step& of, F f) {
  if (of.what != operation::free) return f(accesses_to(of.where));
  for (accesses& each : accesses_) {
    if (each.where.overlaps(of.where)) f(each);
  }
}

int reduction::pick(const moment& m) {
  threads_ = m.threads;
  // A step that conflicts with nothing may as well be first.
  if (has(m.enabled, m.current) && m.next[static_cast<unsigned>(m.current)].how == conflict::none)
    return m.current;
  for (thread_set left = m.enabled; left != 0; left &= left - 1) {
    const int each = std::countr_zero(left);
    if (m.next[static_cast<unsigned>(each)].how == conflict::none) return each;
  }

  if (depth_ == path_.size()) {
    const thread_set awake = m.enabled & ~sleep_;
    if (awake == 0) return nobody;
    node& made = path_.emplace_back();
    made.enabled = m.enabled;
    made.sleep = sleep_;
    made.next = m.next;
    made.chosen = has(awake, m.current) ? m.current : std::countr_zero(awake);
    made.wanted = made.tried = only(made.chosen);
  }
  const node& here = path_[depth_];
  if (here.choices != 0 || here.enabled != m.enabled) return lost;
  const step& taken = m.next[static_cast<unsigned>(here.chosen)];
  sleep_ = 0;
  for (thread_set left = (here.sleep | here.tried) & ~only(here.chosen); left != 0; left &= left - 1) {
    const int each = std::countr_zero(left);
    if (!is_dependent(here.next[static_cast<unsigned>(each)], taken)) sleep_ |= only(each);
  }
  const int chosen = here.chosen;
  find_races(chosen, taken);
  happen(chosen, taken);
  ++depth_;
  return chosen;
}

int reduction::choose(int count) {
  if (depth_ == path_.size()) path_.emplace_back().choices = count;
  const node& here = path_[depth_];
  if (here.choices != count) return lost;
  ++depth_;
  return here.chosen;
}

void reduction::find_races(int thread, const step& of) {
  if (of.how == conflict::none) return;
  const clock& mine = order_[static_cast<unsigned>(thread)];
  const auto is_race = [&](int index) {
    if (index == none) return false;
    const event& it = past_[static_cast<std::size_t>(index)];
    return it.thread != thread && mine.of(it.thread) <= static_cast<std::uint32_t>(index);
  };
  const auto consider = [&](int index) {
    if (is_race(index)) reverse(static_cast<std::size_t>(index), thread, of);
  };
  for (const freed& each : frees_) {
    if (each.where.overlaps(of.where)) consider(each.by);
  }
  for_each_access(of, [&](const accesses& to) {
    if (of.what == operation::lock) {
      consider(to.take);
      if (of.how == conflict::reads) return to.write != to.unlock ? consider(to.write) : void();
      // A writer waits for all readers at once: to come before one is not to come before the others.
      for (const int index : to.shared_take) {
        if (!is_race(index)) continue;
        node& at = path_[past_[static_cast<std::size_t>(index)].node];
        at.wanted |= at.enabled;
      }
      return;
    }
    consider(to.write);
    if (of.how != conflict::writes) return;
    for (const int read : to.read) consider(read);
  });
}

/// Sees to it that a run is tried in which the next step of `thread` comes before the event `before`: somebody who can
/// begin the events that do not depend on `before`, or that step, must be tried where `before` was chosen.
void reduction::reverse(std::size_t before, int thread, const step& of) {
  node& at = path_[past_[before].node];
  const int by = past_[before].thread;
  thread_set initials = 0;
  thread_set seen = 0;
  kept_.clear();
  const auto comes_first = [this](const clock& order) {
    for (const std::size_t each : kept_) {
      if (order.of(past_[each].thread) > each) return false;
    }
    return true;
  };
  for (std::size_t i = before + 1; i != past_.size(); ++i) {
    const event& it = past_[i];
    if (it.order.of(by) > before) continue;  // depends on it
    if (!has(seen, it.thread)) {
      seen |= only(it.thread);
      if (comes_first(it.order)) initials |= only(it.thread);
    }
    kept_.push_back(i);
  }
  if (!has(seen, thread)) {
    clock order = order_[static_cast<unsigned>(thread)];
    for_each_access(of, [&](const accesses& to) {
      order.join(to.write_order);
      if (of.how >= conflict::writes) order.join(to.read_order);
    });
    if (comes_first(order)) initials |= only(thread);
  }
  if ((initials & (at.wanted | at.sleep)) != 0) return;
  const thread_set possible = initials & at.enabled;
  if (possible == 0) {
    at.wanted |= at.enabled;
    return;
  }
  at.wanted |= has(possible, thread) ? only(thread) : only(std::countr_zero(possible));
}

void reduction::happen(int thread, const step& what) {
  clock& mine = order_[static_cast<unsigned>(thread)];
  const int index = static_cast<int>(past_.size());
  for_each_access(what, [&](const accesses& to) {
    mine.join(to.write_order);
    if (what.how >= conflict::writes) mine.join(to.read_order);
  });
  for (const freed& each : frees_) {
    if (each.where.overlaps(what.where)) mine.join(past_[static_cast<std::size_t>(each.by)].order);
  }
  mine.of(thread) = static_cast<std::uint32_t>(index) + 1;
  for_each_access(what, [&](accesses& to) {
    if (what.what == operation::lock) {
      note_take(to, what.how == conflict::acquires ? sharing::exclusive : sharing::shared, thread, index);
    }
    if (what.how == conflict::reads) {
      to.read[static_cast<unsigned>(thread)] = index;
      to.read_order.join(mine);
      return;
    }
    to.write = index;
    if (what.what == operation::unlock) to.unlock = index;
    to.write_order = mine;
    to.read.fill(none);
  });
  if (what.what == operation::free) frees_.push_back({what.where, index});
  past_.push_back({thread, depth_, mine});
  last_touched_ = what.where;
}

void reduction::note_take(accesses& to, sharing how, int thread, int index) {
  if (how == sharing::shared) {
    to.shared_take[static_cast<unsigned>(thread)] = index;
    return;
  }
  to.take = index;
  to.shared_take.fill(none);
}

void reduction::took_lock(sharing how) {
  note_take(accesses_to(last_touched_), how, past_.back().thread, static_cast<int>(past_.size()) - 1);
}

/// What would have come next has its races, too.
void reduction::stopped(const moment& m) {
  for (int i = 0; i != m.threads; ++i) {
    if (has(m.alive, i)) find_races(i, m.next[static_cast<unsigned>(i)]);
  }
}

bool reduction::end_run() {
  while (!path_.empty()) {
    node& last = path_.back();
    if (last.choices != 0) {
      if (++last.chosen < last.choices) return true;
    } else if (const thread_set left = last.wanted & ~last.tried & ~last.sleep; left != 0) {
      last.chosen = std::countr_zero(left);
      last.tried |= only(last.chosen);
      return true;
    }
    path_.pop_back();
  }
  return false;
}

}  // namespace rcuvm::explore
