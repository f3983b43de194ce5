// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the explorer has proved and counted, for the report.

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rcuvm::report {

/// One scenario under one design.
struct proof {
  std::string scenario;
  std::string summary;
  std::string claim;   ///< the guarantee at stake: "F2"
  std::string design;  ///< or a name of the scenario's own, where it has no designs
  bool holds = false;
  bool is_as_expected = false;
  bool is_complete = false;  ///< everything up to the bound was seen
  std::string search;        ///< "bounded", "reduced"
  int bound = 0;             ///< preemptions, of a bounded search
  std::uint64_t schedules = 0;
  std::string finding;  ///< empty: none
  std::string replay;   ///< the command that shows the finding again; empty: none

  friend bool operator==(const proof&, const proof&) = default;
};

/// Writes of one operation to cache lines that other threads touch.
struct traffic {
  std::string design;
  std::string what;    ///< the operation
  double updates = 0;  ///< read-modify-writes, locks included
  double stores = 0;

  friend bool operator==(const traffic&, const traffic&) = default;
};

/// What `rcuvm explore --traffic --json` says.
[[nodiscard]] std::expected<std::vector<traffic>, std::string> traffic_from_json(std::string_view text);
/// Counts it: about a second. The reason when it cannot be done.
[[nodiscard]] std::expected<std::vector<traffic>, std::string> run_traffic(
    const std::filesystem::path& program);

/// What `rcuvm explore --all --json` says.
[[nodiscard]] std::expected<std::vector<proof>, std::string> proofs_from_json(std::string_view text);

/// Runs that search: some minutes. The reason when it cannot be run.
[[nodiscard]] std::expected<std::vector<proof>, std::string> run_explorer(
    const std::filesystem::path& program);

/// "holds: all of 4,488 schedules with up to 1 preemption".
[[nodiscard]] std::string to_text(const proof& from);

}  // namespace rcuvm::report
