// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Vector clocks.

#include <array>
#include <cstdint>

namespace rcuvm::explore {

/// Virtual threads at most, the main one included.
inline constexpr int max_threads = 8;

/// For each thread how much of it came before. Source: Mattern, Virtual Time and Global States, 1989.
struct clock {
  std::array<std::uint32_t, max_threads> at{};

  void join(const clock& other) noexcept {
    for (int i = 0; i != max_threads; ++i) at[i] = at[i] < other.at[i] ? other.at[i] : at[i];
  }
  [[nodiscard]] std::uint32_t of(int thread) const noexcept { return at[static_cast<unsigned>(thread)]; }
  [[nodiscard]] std::uint32_t& of(int thread) noexcept { return at[static_cast<unsigned>(thread)]; }
};

}  // namespace rcuvm::explore
