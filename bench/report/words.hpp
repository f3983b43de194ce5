// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the figures show, in words that are worked out from them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/report/result.hpp"

namespace rcuvm::report {

/// One figure that is clearly better, or worse, than the baseline's.
struct finding {
  std::string_view title;      ///< of the metric
  double ratio = 0;            ///< geometric mean over the recordings
  std::size_t clear_on = 0;    ///< recordings where it is clear of the spread, this way
  std::size_t against_on = 0;  ///< and the other way
  std::size_t recordings = 0;
};

/// One design against the baseline.
struct findings {
  std::string design;
  std::vector<finding> better;
  std::vector<finding> worse;
  std::vector<std::string> unclear;  ///< titles alone
  std::vector<std::string> prices;   ///< sentences: what was waited for, what was held
};

/// For each design but the baseline, in the order of the settings.
[[nodiscard]] std::vector<findings> find(const result& from);

/// What "clearly" means, and against what: the sentence above the findings.
[[nodiscard]] std::string yardstick(const result& from);

/// Who is better at what, at which price, in one line.
[[nodiscard]] std::string one_line(const findings& of);

}  // namespace rcuvm::report
