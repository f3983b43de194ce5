// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The few statistics of reports and tables.

#include <cstddef>
#include <span>

namespace rcuvm {

/// Repeated measurements of one figure.
struct spread {
  double median = 0;
  double min = 0;
  double max = 0;
  std::size_t count = 0;

  /// (max - min) / median; 0 when the median is.
  [[nodiscard]] double relative_width() const noexcept { return median == 0 ? 0 : (max - min) / median; }
  /// No measurement of one lies among those of the other.
  [[nodiscard]] bool is_clear_of(const spread& other) const noexcept {
    return max < other.min || other.max < min;
  }

  friend bool operator==(const spread&, const spread&) = default;
};

/// All zero for no samples. The median of an even number is the mean of the middle two.
[[nodiscard]] spread spread_of(std::span<const double> samples);

/// Of positive numbers; others are left out. 0 when none is left.
[[nodiscard]] double geometric_mean(std::span<const double> samples);

}  // namespace rcuvm
