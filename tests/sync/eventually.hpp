// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Waits in tests: for what must happen, and long enough to see that something does not.

#include <cstdint>

#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::tests {

/// Until `holds()`; false when it does not within `patience_ns` (far longer than a loaded machine needs).
template <class Condition>
[[nodiscard]] bool eventually(Condition holds, std::uint64_t patience_ns = 10'000'000'000U) {
  const std::uint64_t give_up_ns = sync::now_ns() + patience_ns;
  while (!holds()) {
    if (sync::now_ns() > give_up_ns) return false;
    sync::sleep_ns(200'000);
  }
  return true;
}

/// How long a test watches that something does not happen. A broken lock would let it happen within microseconds.
inline constexpr std::uint64_t a_while_ns = 50'000'000;

/// How long a stress test runs.
inline constexpr std::uint64_t stress_ns = 300'000'000;

}  // namespace rcuvm::tests
