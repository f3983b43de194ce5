// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The clock of all measurements.

#include <cstdint>
#include <ctime>

#include "rcuvm/sync/checked.hpp"

namespace rcuvm::sync {

/// Nanoseconds of CLOCK_MONOTONIC: never goes back, says nothing about the date. Cost: about 20 ns (no system call).
[[nodiscard]] inline std::uint64_t now_ns() noexcept {
  if (checked::is_running()) return checked::current().now_ns();
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace rcuvm::sync
