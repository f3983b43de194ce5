// SPDX-License-Identifier: Apache-2.0
#include "bench/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace rcuvm {

spread spread_of(std::span<const double> samples) {
  if (samples.empty()) return {};
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const std::size_t middle = sorted.size() / 2;
  const double median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return {.median = median, .min = sorted.front(), .max = sorted.back(), .count = sorted.size()};
}

double geometric_mean(std::span<const double> samples) {
  double sum_of_logs = 0;
  std::size_t count = 0;
  for (double one : samples) {
    if (!(one > 0) || !std::isfinite(one)) continue;
    sum_of_logs += std::log(one);
    ++count;
  }
  return count == 0 ? 0 : std::exp(sum_of_logs / static_cast<double>(count));
}

}  // namespace rcuvm
