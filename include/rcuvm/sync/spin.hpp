// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How long a thread that has to wait stays awake.

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"

namespace rcuvm::sync {

/// Tries until it is done, some ten microseconds long: to sleep and be woken takes two to fifty, and whoever is inside a lock is mostly
/// out sooner. False: not done. Kernel: mutexes and the writers of an rwsem spin while the owner runs
/// (CONFIG_MUTEX_SPIN_ON_OWNER, CONFIG_RWSEM_SPIN_ON_OWNER); here nobody knows whether it does.
template <class Try>
[[nodiscard]] bool spin_until(Try is_done) noexcept {
  constexpr unsigned tries = checked::sized(32U, 0U);
  constexpr unsigned pauses = 64;  // a try takes the lock's cache line from its owner
  for (unsigned i = 0; i < tries; ++i) {
    if (is_done()) return true;
    for (unsigned j = 0; j < pauses; ++j) relax();
  }
  return false;
}

}  // namespace rcuvm::sync
