// SPDX-License-Identifier: Apache-2.0
#include "tests/explore/random_program.hpp"

#include <string_view>

#include "explore/engine/world.hpp"
#include "explore/search/sampling.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/rwsem.hpp"

namespace rcuvm::explore {
namespace {

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

}  // namespace

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

}  // namespace rcuvm::explore
