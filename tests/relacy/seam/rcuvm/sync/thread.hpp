// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for include/rcuvm/sync/thread.hpp.

#include <cstdint>

#include "tests/relacy/seam/engine.hpp"

namespace rcuvm::sync {

inline void yield(relacy::place where = relacy::place::current()) noexcept {
  rl::yield(1, relacy::info_of(where));
}

/// One key for all threads: in a hash table they collide, which is the case to look at.
[[nodiscard]] inline std::uintptr_t current_thread_key() noexcept { return 0; }

}  // namespace rcuvm::sync
