// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the threads of a measurement wait for each other.

#include <cstdint>

#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::replay {

/// Waits in three gears, so that it hurts neither the one waited for nor the machine.
template <class Condition>
void wait_until(Condition is_over) {
  constexpr unsigned spins = 256;
  constexpr unsigned yields = 4096;
  constexpr std::uint64_t nap_ns = 50'000;
  for (unsigned tries = 0; !is_over(); ++tries) {
    if (tries < spins) {
      sync::relax();
    } else if (tries < yields) {
      sync::yield();
    } else {
      sync::sleep_ns(nap_ns);
    }
  }
}

}  // namespace rcuvm::replay
