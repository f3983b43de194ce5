// SPDX-License-Identifier: Apache-2.0

/// The partial-order reduction leaves out no outcome: against plain depth-first search, on random programs.

#include "explore/search/reduction.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "explore/engine/world.hpp"
#include "explore/search/depth_first.hpp"
#include "explore/search/sampling.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/rwsem.hpp"

namespace rcuvm::explore {
namespace {

// --- random programs --------------------------------------------------------------------------------------

enum class does : std::uint8_t {
  load,
  store,
  add,
  lock,
  try_lock,
  unlock,  ///< what was locked last; nothing: loads
  lock_shared,
  lock_exclusive,
  toggle_section,
  synchronize,
  read_object,
  read_object_in_section,
  replace_and_free_later,
  replace_and_free_now,
  wait,
  wait_a_while,
  notify_one,
  notify_all,
  yield_until_changed,
  count_under_lock,
};
constexpr std::array<std::string_view, 20> names{"load",
                                                 "store",
                                                 "add",
                                                 "lock",
                                                 "try_lock",
                                                 "unlock",
                                                 "lock_shared",
                                                 "lock_exclusive",
                                                 "toggle_section",
                                                 "synchronize",
                                                 "read_object",
                                                 "read_object_in_section",
                                                 "replace_and_free_later",
                                                 "replace_and_free_now",
                                                 "wait",
                                                 "wait_a_while",
                                                 "notify_one",
                                                 "notify_all",
                                                 "yield_until_changed",
                                                 "count_under_lock"};

struct instruction {
  does what;
  int on;  ///< which word, which mutex
};

using program = std::vector<std::vector<instruction>>;

/// What conflicts with each other.
const std::vector<std::vector<does>> themes{
    {does::load, does::store, does::add, does::yield_until_changed},
    {does::lock, does::try_lock, does::unlock, does::load, does::store},
    {does::lock_shared, does::lock_exclusive, does::unlock, does::load, does::store},
    {does::lock, does::lock_shared, does::lock_exclusive, does::synchronize, does::toggle_section,
     does::unlock},
    {does::toggle_section, does::synchronize, does::load, does::store},
    {does::read_object, does::read_object_in_section, does::replace_and_free_later,
     does::replace_and_free_now},
    {does::read_object_in_section, does::replace_and_free_later, does::toggle_section, does::read_object},
    {does::read_object, does::replace_and_free_now},
    {does::read_object, does::replace_and_free_now, does::load, does::store},
    {does::wait, does::wait_a_while, does::notify_one, does::notify_all},
    {does::wait, does::notify_one, does::notify_all, does::yield_until_changed, does::store},
    {does::wait, does::notify_all, does::load, does::store},
    {does::count_under_lock, does::try_lock, does::unlock, does::add}};

/// A theme, something from outside of it, and few words, so that much of it conflicts.
program random_program(std::uint64_t seed) {
  dice roll{seed};
  std::vector<does> kinds = themes[static_cast<std::size_t>(roll.below(static_cast<int>(themes.size())))];
  kinds.push_back(static_cast<does>(roll.below(static_cast<int>(names.size()))));
  const int words = std::array{1, 1, 2, 2, 3}[static_cast<std::size_t>(roll.below(5))];
  program made(static_cast<std::size_t>(2 + roll.below(2)));
  for (auto& thread : made) {
    const int length = 2 + roll.below(made.size() == 2 ? 3 : 2);
    for (int i = 0; i != length; ++i) {
      thread.push_back(
          {kinds[static_cast<std::size_t>(roll.below(static_cast<int>(kinds.size())))], roll.below(words)});
    }
  }
  return made;
}

std::string text_of(const program& of) {
  std::string text;
  for (std::size_t i = 0; i != of.size(); ++i) {
    text += "  thread " + std::to_string(i) + ":";
    for (const instruction& each : of[i]) {
      text +=
          " " + std::string{names[static_cast<std::size_t>(each.what)]} + "(" + std::to_string(each.on) + ")";
    }
    text += "\n";
  }
  return text;
}

// --- running one ------------------------------------------------------------------------------------------

struct object {
  long before_value = 0;  // a free must reach beyond its first word
  explicit object(int with) : value{with} {}
  sync::atomic<int> value;
};

struct shared_state {
  std::array<sync::atomic<int>, 3> words;
  std::array<sync::mutex, 2> mutexes;
  sync::rwsem semaphore;
  sync::mutex condition_mutex;
  sync::condition condition;
  sync::atomic<object*> pointer{sync::memory::make<object>(100)};
  int counter = 0;  // guard: mutexes[0]
};

/// What each thread has seen. Outside the explored memory.
struct observations {
  std::array<std::array<char, 40>, 4> seen;
  std::array<int, 4> count;

  void clear() { count = {}; }
  void see(int thread, int value) {
    int& at = count[static_cast<unsigned>(thread)];
    seen[static_cast<unsigned>(thread)][static_cast<unsigned>(at++)] = static_cast<char>(value);
  }
  [[nodiscard]] std::string text() const {
    std::string made;
    for (unsigned thread = 0; thread != count.size(); ++thread) {
      for (int i = 0; i != count[thread]; ++i) {
        made += std::to_string(static_cast<int>(seen[thread][static_cast<unsigned>(i)])) + ",";
      }
      made += "|";
    }
    return made;
  }
};

/// One thread of a program.
class interpreter {
 public:
  interpreter(shared_state& on, observations& into, int thread) : state_{on}, into_{into}, thread_{thread} {}

  void run(const std::vector<instruction>& all) {
    const sync::rcu::registration here{"t"};
    int value = 10 * (thread_ + 1);
    for (const instruction& each : all) one(each, ++value);
    if (is_reading_) leave_section();
    while (held_count_ != 0) unlock_last();
  }

 private:
  enum class lock_kind : std::uint8_t { mutex, shared, exclusive };
  struct held {
    lock_kind kind;
    int which;
  };

  void see(int value) { into_.see(thread_, value); }
  [[nodiscard]] bool holds(lock_kind kind, int which) const {
    for (unsigned i = 0; i != held_count_; ++i) {
      if ((held_[i].kind == kind || (kind != lock_kind::mutex && held_[i].kind != lock_kind::mutex)) &&
          held_[i].which == which) {
        return true;
      }
    }
    return false;
  }
  void note_held(lock_kind kind, int which) { held_[held_count_++] = {kind, which}; }
  void unlock_last() RCUVM_NO_THREAD_SAFETY_ANALYSIS {
    const held last = held_[--held_count_];
    switch (last.kind) {
      case lock_kind::mutex: return state_.mutexes[static_cast<unsigned>(last.which)].unlock();
      case lock_kind::shared: return state_.semaphore.unlock_shared();
      case lock_kind::exclusive: return state_.semaphore.unlock();
    }
  }
  void enter_section() {
    sync::checked::current().begin_section();
    is_reading_ = true;
  }
  void leave_section() {
    sync::checked::current().end_section();
    is_reading_ = false;
  }
  void read_object() {
    if (const object* found = state_.pointer.load_acquire(); found != nullptr)
      see(found->value.load_relaxed());
  }

  void one(instruction what, int value) RCUVM_NO_THREAD_SAFETY_ANALYSIS {
    sync::atomic<int>& word = state_.words[static_cast<unsigned>(what.on)];
    const int which = what.on % 2;
    sync::mutex& mutex = state_.mutexes[static_cast<unsigned>(which)];
    switch (what.what) {
      case does::load: return see(word.load_acquire());
      case does::store: return word.store_release(value);
      case does::add: return see(word.fetch_add_acq_rel(1));
      case does::lock:
        if (holds(lock_kind::mutex, which)) return;
        mutex.lock();
        return note_held(lock_kind::mutex, which);
      case does::try_lock: {
        const bool is_taken = mutex.try_lock();
        see(is_taken ? 1 : 0);
        if (is_taken) note_held(lock_kind::mutex, which);
        return;
      }
      case does::unlock: return held_count_ != 0 ? unlock_last() : see(word.load_acquire());
      case does::lock_shared:
        if (holds(lock_kind::shared, 0)) return;
        state_.semaphore.lock_shared();
        return note_held(lock_kind::shared, 0);
      case does::lock_exclusive:
        if (holds(lock_kind::exclusive, 0)) return;
        state_.semaphore.lock();
        return note_held(lock_kind::exclusive, 0);
      case does::toggle_section: return is_reading_ ? leave_section() : enter_section();
      case does::synchronize: return is_reading_ ? void() : sync::rcu::synchronize();
      case does::read_object: return read_object();
      case does::read_object_in_section: {
        const bool was_reading = is_reading_;
        if (!was_reading) enter_section();
        read_object();
        return was_reading ? void() : leave_section();
      }
      case does::replace_and_free_later:
      case does::replace_and_free_now: {
        const bool waits = what.what == does::replace_and_free_later;
        if (waits && is_reading_) return;
        object* old =
            state_.pointer.exchange_acq_rel(which == 0 ? sync::memory::make<object>(value) : nullptr);
        if (waits) sync::rcu::synchronize();
        return sync::memory::destroy(old);
      }
      case does::wait: {
        sync::mutex_guard guard{state_.condition_mutex};
        return state_.condition.wait(guard);
      }
      case does::wait_a_while: {
        sync::mutex_guard guard{state_.condition_mutex};
        return see(state_.condition.wait_for_ns(guard, 100) ? 1 : 0);
      }
      case does::notify_one: return state_.condition.notify_one();
      case does::notify_all: return state_.condition.notify_all();
      case does::yield_until_changed: {
        int found = word.load_acquire();
        if (found == 0) {
          sync::relax();
          found = word.load_acquire();
        }
        return see(found);
      }
      case does::count_under_lock: {
        if (holds(lock_kind::mutex, 0)) return see(++state_.counter);
        const sync::mutex_guard guard{state_.mutexes[0]};
        return see(++state_.counter);
      }
    }
  }

  shared_state& state_;
  observations& into_;
  int thread_;
  bool is_reading_ = false;
  std::array<held, 8> held_{};
  unsigned held_count_ = 0;
};

void run_program(const program& of, observations& into) {
  into.clear();
  auto state = sync::memory::make<shared_state>();
  std::vector<world::thread_body> bodies;
  struct start {
    shared_state& on;
    observations& into;
    const program& of;
  } with{*state, into, of};
  for (std::size_t i = 0; i != of.size(); ++i) {
    bodies.push_back(
        {"t", [&with, i] { interpreter{with.on, with.into, static_cast<int>(i)}.run(with.of[i]); }});
  }
  world::current()->concurrently(std::move(bodies));
  for (const auto& word : state->words) into.see(3, word.load_acquire());
  if (object* last = state->pointer.load_acquire(); last != nullptr) {
    into.see(3, last->value.load_acquire());
    sync::memory::destroy(last);
  }
  sync::memory::destroy(state);
}

// --- the two searches -------------------------------------------------------------------------------------

/// Everybody at every moment: nothing to understand, hence the judge.
class plain_depth_first final : public search {
 public:
  void begin_run() override { depth_ = 0; }
  int pick(const moment& m) override {
    // That such a step may as well be first is a claim of all searches; a stride of the fuzz checks it.
    if (!tries_silent_steps && has(m.enabled, m.current) &&
        m.next[static_cast<unsigned>(m.current)].how == conflict::none) {
      return m.current;
    }
    return std::has_single_bit(m.enabled) ? std::countr_zero(m.enabled) : next_of(m.enabled);
  }
  int choose(int count) override { return next_of(only(count) - 1); }
  bool end_run() override {
    while (!path_.empty() && path_.back().left == 0) path_.pop_back();
    if (path_.empty()) return false;
    path_.back().chosen = std::countr_zero(path_.back().left);
    path_.back().left &= path_.back().left - 1;
    return true;
  }
  [[nodiscard]] bool is_exhaustive() const override { return true; }

  bool tries_silent_steps = false;

 private:
  struct node {
    thread_set options;
    thread_set left;
    int chosen;
  };
  int next_of(thread_set options) {
    if (depth_ == path_.size())
      path_.push_back({options, options & (options - 1), std::countr_zero(options)});
    const node& here = path_[depth_++];
    return here.options == options ? here.chosen : lost;
  }
  std::vector<node> path_;
  std::size_t depth_ = 0;
};

struct outcomes {
  std::set<std::string> ends;    ///< of runs that came to their end, and of deadlocks
  std::set<std::string> breaks;  ///< findings that cut a run short
  std::uint64_t schedules = 0;
  bool is_complete = false;
};

/// No early end at a finding.
outcomes outcomes_of(world& here, search& by, const program& of, std::uint64_t schedules_at_most) {
  outcomes made;
  observations seen;
  const std::function<void()> body = [&] { run_program(of, seen); };
  do {
    seen.clear();
    const finding found = here.run(by, body);
    ++made.schedules;
    if (found.kind == finding_kind::none) {
      // A pruned run ends nowhere.
      if (seen.count[3] != 0) made.ends.insert(seen.text());
    } else if (found.kind == finding_kind::deadlock) {
      made.ends.insert("deadlock " + seen.text());
    } else {
      made.breaks.insert(std::string{name_of(found.kind)});
    }
    if (!by.end_run()) {
      made.is_complete = true;
      return made;
    }
  } while (made.schedules < schedules_at_most);
  return made;
}

std::string difference(const outcomes& all, const outcomes& reduced) {
  std::string text;
  for (const std::string& each : reduced.breaks) {
    if (!all.breaks.contains(each)) text += "  only reduced: " + each + "\n";
  }
  for (const std::string& each : reduced.ends) {
    if (!all.ends.contains(each)) text += "  only reduced: " + each + "\n";
  }
  // A finding cuts its run short, and what would have conflicted later in it stays unknown: then only that it is found counts.
  if (!all.breaks.empty())
    return text + (reduced.breaks.empty() ? "  missed: " + *all.breaks.begin() + "\n" : "");
  for (const std::string& each : all.ends) {
    if (!reduced.ends.contains(each)) text += "  missed: " + each + "\n";
  }
  return text;
}

constexpr std::uint64_t schedules_at_most = 5'000;
// A deadlock is an outcome; an order of locks that may deadlock would cut short most programs with two locks.
constexpr world_limits limits{.steps = 500, .watches_lock_order = false};

struct comparison {
  bool is_too_large = false;
  std::string difference;  ///< empty: none
  outcomes all;
  outcomes reduced;
};

comparison compare(world& here, const program& of, bool tries_silent_steps) {
  comparison made;
  plain_depth_first everything;
  everything.tries_silent_steps = tries_silent_steps;
  made.all = outcomes_of(here, everything, of, schedules_at_most);
  made.is_too_large = !made.all.is_complete;
  if (made.is_too_large) return made;
  reduction by;
  made.reduced = outcomes_of(here, by, of, 4 * schedules_at_most);
  made.difference = difference(made.all, made.reduced);
  if (!made.reduced.is_complete) made.difference += "  the reduction does not come to an end\n";
  return made;
}

/// Leaves out instructions while the two still differ.
program shrink(world& here, program of) {
  for (bool is_smaller = true; is_smaller;) {
    is_smaller = false;
    for (std::size_t thread = 0; thread != of.size() && !is_smaller; ++thread) {
      for (std::size_t i = 0; i != of[thread].size() && !is_smaller; ++i) {
        program candidate = of;
        candidate[thread].erase(candidate[thread].begin() + static_cast<std::ptrdiff_t>(i));
        if (compare(here, candidate, false).difference.empty()) continue;
        of = std::move(candidate);
        is_smaller = true;
      }
    }
  }
  return of;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// --- the tests --------------------------------------------------------------------------------------------

TEST(Reduction, has_the_outcomes_of_plain_depth_first_search_on_random_programs) {
  const std::uint64_t seed = number_from("RCUVM_SEED", 1);
  const std::uint64_t wanted = number_from("RCUVM_PROGRAMS", 300);
  world here{limits};
  std::uint64_t compared = 0;
  std::uint64_t too_large = 0;
  std::uint64_t with_findings = 0;
  std::uint64_t with_deadlocks = 0;
  std::uint64_t all_schedules = 0;
  std::uint64_t reduced_schedules = 0;
  int differing = 0;
  for (std::uint64_t i = 0; compared != wanted && differing != 3; ++i) {
    const std::uint64_t own_seed = seed * 1'000'003 + i;
    const program of = random_program(own_seed);
    const comparison got = compare(here, of, i % 8 == 0);
    if (got.is_too_large) {
      ++too_large;
      continue;
    }
    ++compared;
    all_schedules += got.all.schedules;
    reduced_schedules += got.reduced.schedules;
    if (!got.all.breaks.empty()) ++with_findings;
    if (!got.all.ends.empty() && got.all.ends.rbegin()->starts_with("deadlock")) ++with_deadlocks;
    if (got.difference.empty()) continue;
    ++differing;
    const program small = shrink(here, of);
    ADD_FAILURE() << "RCUVM_SEED=" << seed << ", program " << i << "\n"
                  << text_of(of) << got.difference << "shrunk:\n"
                  << text_of(small) << compare(here, small, false).difference;
  }
  std::printf(
      "%llu programs: %llu schedules, %llu reduced; %llu with a finding, %llu with a deadlock; %llu too "
      "large\n",
      static_cast<unsigned long long>(compared), static_cast<unsigned long long>(all_schedules),
      static_cast<unsigned long long>(reduced_schedules), static_cast<unsigned long long>(with_findings),
      static_cast<unsigned long long>(with_deadlocks), static_cast<unsigned long long>(too_large));
  // Else the comparison says little.
  EXPECT_GT(with_findings, compared / 50);
  EXPECT_GT(with_deadlocks, compared / 50);
  EXPECT_LT(3 * reduced_schedules, all_schedules);
}

TEST(DepthFirst, has_all_outcomes_when_its_bound_is_high) {
  const std::uint64_t seed = number_from("RCUVM_SEED", 1);
  world here{limits};
  int compared = 0;
  for (std::uint64_t i = 0; compared != 40; ++i) {
    const program of = random_program(seed * 7'919 + i);
    plain_depth_first everything;
    const outcomes all = outcomes_of(here, everything, of, 500);
    if (!all.is_complete) continue;
    ++compared;
    depth_first by{100};
    const outcomes bounded = outcomes_of(here, by, of, 100'000);
    EXPECT_TRUE(bounded.is_complete);
    EXPECT_EQ(bounded.ends, all.ends) << text_of(of);
    EXPECT_EQ(bounded.breaks, all.breaks) << text_of(of);
  }
}

}  // namespace
}  // namespace rcuvm::explore
