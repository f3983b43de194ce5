// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The figures that a report shows: what each means, its unit, which way is better. They stand once, here.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bench/replay/figures.hpp"

namespace rcuvm::report {

/// Who is measured. A report never shows one side alone.
enum class side : std::uint8_t { faults, writers, walks, retries, memory };
inline constexpr side sides[] = {side::faults, side::writers, side::walks, side::retries, side::memory};
[[nodiscard]] std::string_view name_of(side which) noexcept;

enum class unit : std::uint8_t { nanoseconds, per_second, bytes, number };
enum class better : std::uint8_t { lower, higher };
/// How the medians of several recordings become one figure. Ratios to the baseline are always a geometric mean.
enum class over_all : std::uint8_t { geometric_mean, largest, sum };

/// One figure in one walker mode.
struct metric {
  std::string_view key;  ///< in replay::figures
  replay::walker mode = replay::walker::none;
  std::string_view title;    ///< a column's head
  std::string_view caption;  ///< a sentence's worth
  report::unit in = unit::nanoseconds;
  report::better direction = better::lower;
  report::side of = side::faults;
  bool is_in_summary = false;  ///< in the short table, too
  bool is_peak = false;        ///< a number that does not add up

  /// Bytes held are a peak, counts add up, the rest is averaged.
  [[nodiscard]] constexpr over_all aggregate() const noexcept {
    if (in == unit::bytes || is_peak) return over_all::largest;
    return in == unit::number ? over_all::sum : over_all::geometric_mean;
  }
};

[[nodiscard]] std::span<const metric> metrics() noexcept;

/// "412 ns", "3.1 ms", "1.2 M/s", "64 KiB", "17": about three digits.
[[nodiscard]] std::string to_text(double value, unit in);
/// "0.62x".
[[nodiscard]] std::string ratio_text(double ratio);

}  // namespace rcuvm::report
