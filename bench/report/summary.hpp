// SPDX-License-Identifier: Apache-2.0
#pragma once

/// From many runs to few numbers, and what may be said of them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/report/metric.hpp"
#include "bench/report/result.hpp"

namespace rcuvm::report {

/// One figure of one design, over all recordings, against the baseline (settings::designs.front()).
struct summary_cell {
  double absolute = 0;     ///< medians of the recordings, put together as metric::aggregate says
  double ratio = 0;        ///< geometric mean of median / baseline's median; 0 where the baseline has none
  std::size_t better = 0;  ///< recordings where no repetition of one lies among those of the other
  std::size_t worse = 0;
  std::size_t recordings = 0;  ///< that have the figure
};
[[nodiscard]] summary_cell summarize(const result& from, const metric& of, std::string_view design);

/// Below this a difference of the means is no difference.
inline constexpr double least_difference = 0.03;

enum class verdict : std::uint8_t { better, worse, unclear };
/// Better or worse on at least half of the recordings, and nowhere near as often the other way; and by 3 % in the mean.
[[nodiscard]] verdict judge(const summary_cell& cell, const metric& of) noexcept;

/// Of one recording.
[[nodiscard]] verdict judge(const spread& design, const spread& baseline, const metric& of) noexcept;

/// Metrics that at least one run has a number other than zero for.
[[nodiscard]] std::vector<const metric*> metrics_in(const result& from, bool summary_only);

/// Why the figures are to be taken with care: a small or busy machine, a build that is not for measuring, spread.
[[nodiscard]] std::vector<std::string> warnings_of(const result& from);

}  // namespace rcuvm::report
