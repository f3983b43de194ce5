// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the figures show, in words that are worked out from them.

#include <string>
#include <vector>

#include "bench/report/result.hpp"

namespace rcuvm::report {

/// One design against the baseline.
struct findings {
  std::string design;
  std::vector<std::string> better;  ///< "fault p99 0.61x (on 7 of 8 recordings, worse on 0)"
  std::vector<std::string> worse;
  std::vector<std::string> unclear;  ///< titles alone
  std::vector<std::string> prices;   ///< sentences: what was waited for, what was held
};

/// For each design but the baseline, in the order of the settings.
[[nodiscard]] std::vector<findings> find(const result& from);

/// What can be said in one or two sentences: who is better at what, at which price; or that nothing can.
[[nodiscard]] std::string conclusion(const result& from);

}  // namespace rcuvm::report
