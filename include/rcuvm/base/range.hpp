// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A half-open range of 64-bit numbers.

#include <algorithm>
#include <compare>
#include <cstdint>

namespace rcuvm {

/// [start, end). Empty when end <= start. The largest possible range is [0, 2^64-1): the topmost number
/// can stand in no half-open range.
struct range {
  std::uint64_t start = 0;
  std::uint64_t end = 0;

  [[nodiscard]] constexpr bool is_empty() const noexcept { return end <= start; }
  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return is_empty() ? 0 : end - start; }
  [[nodiscard]] constexpr bool contains(std::uint64_t at) const noexcept { return start <= at && at < end; }
  [[nodiscard]] constexpr bool contains(range other) const noexcept {
    return start <= other.start && other.end <= end;
  }
  [[nodiscard]] constexpr bool overlaps(range other) const noexcept {
    return start < other.end && other.start < end;
  }
  [[nodiscard]] constexpr range intersection(range other) const noexcept {
    return {std::max(start, other.start), std::min(end, other.end)};
  }

  friend constexpr auto operator<=>(range, range) noexcept = default;
};

/// The smallest range that holds both; an empty one adds nothing.
[[nodiscard]] constexpr range hull_of(range one, range other) noexcept {
  if (one.is_empty()) return other;
  if (other.is_empty()) return one;
  return {std::min(one.start, other.start), std::max(one.end, other.end)};
}

}  // namespace rcuvm
