// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All measured runs of a review: every recording under every design, interleaved and repeated.
///
///   repetition 0 (warm-up)   rec1: A B C D   rec2: A B C D   ...   one pass each; tells how many passes fit the budget
///   repetition 1             rec1: B C D A   rec2: B C D A   ...   who goes first changes, so that none always
///   repetition 2             rec1: C D A B   ...                   follows the same neighbour

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "bench/recording/recording.hpp"
#include "bench/replay/figures.hpp"
#include "bench/report/result.hpp"

namespace rcuvm::report {

struct campaign_options {
  std::vector<std::string> designs;  ///< the baseline first
  std::uint32_t workers = 2;
  std::uint32_t repetitions = 5;    ///< beside the warm-up
  double budget_s = 0;              ///< 0: none. Else fewer passes, then fewer repetitions, until it fits
  std::uint32_t most_passes = 200;  ///< of a recording in one run
  sync::reader_wait readers = sync::reader_wait::sleep;
  /// Told what is about to run, and which share of all is done.
  std::function<void(const std::string& what, double done)> on_progress = {};
};

using shape_key = std::tuple<std::string, std::string, replay::walker>;  ///< recording, design, mode

struct campaign_result {
  result data;
  std::map<shape_key, replay::distributions> shapes;  ///< all repetitions together, without the warm-up
};

/// Reads nothing and writes nothing. The traces must outlive the call. Throws as replay::measure.
[[nodiscard]] campaign_result run_campaign(const std::vector<recording::trace>& traces,
                                           const campaign_options& how);

}  // namespace rcuvm::report
