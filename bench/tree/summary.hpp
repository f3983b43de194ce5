// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a run has shown: rcuvm beside each rival, and each target met or not.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/tree/figures.hpp"

namespace rcuvm::tree_bench {

/// One measurement of rcuvm, and how many times as long each rival takes.
struct comparison {
  measurement of;
  std::string counter;                   ///< "ns" or "bytes"
  double ours = 0;                       ///< median
  std::map<std::string, double> ratios;  ///< rcuvm / rival, by rival: below 1, rcuvm is better
};

/// All made data sets one by one; those of real maps, and of recordings, as one row each, by geometric means: their
/// data is then "maps (24)" or "faults (5)".
[[nodiscard]] std::vector<comparison> compare(const figures& from);

/// Both tables.
[[nodiscard]] std::string summary_text(const figures& from);

/// Everything: context, figures with their spreads, ratios, targets.
[[nodiscard]] nlohmann::json to_json(const figures& from);

}  // namespace rcuvm::tree_bench
