// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Searches the interleavings of a scenario.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "explore/engine/finding.hpp"
#include "explore/engine/trace.hpp"
#include "explore/engine/world.hpp"

namespace rcuvm::explore {

enum class strategy : std::uint8_t {
  bounded,  ///< depth-first, up to `bound` preemptions: exhaustive up to the bound
  reduced,  ///< partial-order reduction: exhaustive without a bound on preemptions
  uniform,
  priorities,  ///< PCT
};

[[nodiscard]] std::string_view name_of(strategy how) noexcept;
[[nodiscard]] std::optional<strategy> strategy_of(std::string_view name) noexcept;

struct search_options {
  strategy how = strategy::bounded;
  int bound = 2;           ///< bounded: preemptions; priorities: depth
  std::uint64_t seed = 1;  ///< uniform, priorities
  std::uint64_t max_schedules = 1'000'000;
  double max_seconds = 60;  ///< of CPU time
  bool shrinks = true;
  world_limits limits = {};
};

struct search_result {
  finding found;
  std::vector<int> schedule;  ///< of the finding, shrunk
  std::uint64_t schedules = 0;
  std::uint64_t steps = 0;
  std::uint32_t longest = 0;  ///< steps of a run
  bool is_complete = false;   ///< everything up to the bound has been seen
  double seconds = 0;         ///< CPU time
};

using scenario_body = std::function<void()>;
/// Told now and then how many schedules have been run.
using progress = std::function<void(std::uint64_t schedules, double seconds)>;

/// Until the first finding, the end of the search, or a limit. Threads: one at a time in a process.
[[nodiscard]] search_result explore(const scenario_body& body, const search_options& options,
                                    const progress& tell = {});

/// The run of one schedule, with its trace.
struct replayed {
  finding found;
  trace told;
};
[[nodiscard]] replayed replay_schedule(const scenario_body& body, const std::vector<int>& schedule,
                                       world_limits limits = {});

}  // namespace rcuvm::explore
