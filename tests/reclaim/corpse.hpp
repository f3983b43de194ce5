// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Dead objects for tests, which note that, when and in which order they are freed.

#include <cstdint>
#include <deque>

#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/sync/atomic.hpp"

namespace rcuvm::tests {

/// Counts how often it is freed, and at which place among the corpses of its morgue.
struct corpse {
  sync::atomic<std::uint32_t> times_freed{0};
  sync::atomic<std::uint64_t> place{0};  ///< 1 for the first freed
  sync::atomic<std::uint64_t>* places = nullptr;
};

/// Where the corpses of one test lie: they outlive their freeing, so that a second one is seen. Of one thread; freeing
/// may happen on any.
class morgue {
 public:
  /// A new object to retire, of `bytes` bytes as far as limbo knows.
  reclaim::retired die(std::uint32_t bytes = 1) {
    corpse& dead = corpses_.emplace_back();
    dead.places = &freed_;
    return {&dead, free, bytes};
  }

  [[nodiscard]] std::uint64_t freed() const { return freed_.load_acquire(); }
  [[nodiscard]] const std::deque<corpse>& corpses() const { return corpses_; }

  /// Each corpse has been freed once.
  [[nodiscard]] bool is_each_freed_once() const {
    for (const corpse& each : corpses_) {
      if (each.times_freed.load_relaxed() != 1) return false;
    }
    return true;
  }

  /// The corpses were freed in the order of their death.
  [[nodiscard]] bool is_in_order() const {
    std::uint64_t last = 0;
    for (const corpse& each : corpses_) {
      if (each.place.load_relaxed() <= last) return false;
      last = each.place.load_relaxed();
    }
    return true;
  }

 private:
  static void free(void* object) noexcept {
    auto* dead = static_cast<corpse*>(object);
    dead->times_freed.fetch_add_relaxed(1);
    dead->place.store_relaxed(dead->places->fetch_add_acq_rel(1) + 1);
  }

  std::deque<corpse> corpses_;
  sync::atomic<std::uint64_t> freed_{0};
};

}  // namespace rcuvm::tests
