// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the explorer has proved, for the report.

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

/// What `rcuvm explore --all --json` says.
[[nodiscard]] std::expected<std::vector<proof>, std::string> proofs_from_json(std::string_view text);

/// Runs that search: about a minute. The reason when it cannot be run.
[[nodiscard]] std::expected<std::vector<proof>, std::string> run_explorer(
    const std::filesystem::path& program);

/// "holds: all of 4,488 schedules with up to 1 preemption".
[[nodiscard]] std::string to_text(const proof& from);

}  // namespace rcuvm::report
