// SPDX-License-Identifier: Apache-2.0
#include "explore/explorer.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

#include "explore/search/depth_first.hpp"
#include "explore/search/reduction.hpp"
#include "explore/search/replay.hpp"
#include "explore/search/sampling.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::array<std::string_view, 4> strategy_names{"bounded", "reduced", "random", "pct"};

double cpu_seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::unique_ptr<search> make_search(const search_options& options) {
  switch (options.how) {
    case strategy::bounded: return std::make_unique<depth_first>(options.bound);
    case strategy::reduced: return std::make_unique<reduction>();
    case strategy::uniform: return std::make_unique<uniform>(options.seed);
    case strategy::priorities: return std::make_unique<priorities>(options.seed, options.bound);
  }
  return nullptr;
}

/// How hard a schedule is to read: first its switches, then its length.
std::pair<std::size_t, std::size_t> effort_of(const std::vector<int>& decisions) {
  std::size_t switches = 0;
  for (std::size_t i = 1; i < decisions.size(); ++i) switches += decisions[i] != decisions[i - 1] ? 1U : 0U;
  return {switches, decisions.size()};
}

/// Looks for a shorter schedule with the same kind of finding: cuts off the end, leaves out stretches of one thread.
class shrinker {
 public:
  shrinker(world& where, const scenario_body& body, finding_kind kind)
      : world_{where}, body_{body}, kind_{kind} {}

  std::vector<int> shrink(std::vector<int> schedule) {
    best_ = std::move(schedule);
    cut_end();
    while (leave_out_one()) cut_end();
    return best_;
  }

 private:
  static constexpr int runs_at_most = 20'000;

  bool still_fails(const std::vector<int>& candidate) {
    if (++runs_ > runs_at_most) return false;
    replay follow{candidate, replay::how::tolerant};
    return world_.run(follow, body_).kind == kind_;
  }
  /// What the default does anyway need not be said.
  void cut_end() {
    for (std::size_t length = 0; length < best_.size(); ++length) {
      std::vector<int> head(best_.begin(), best_.begin() + static_cast<std::ptrdiff_t>(length));
      if (!still_fails(head)) continue;
      best_ = std::move(head);
      return;
    }
  }
  bool leave_out_one() {
    for (std::size_t first = 0; first < best_.size();) {
      std::size_t end = first;
      while (end < best_.size() && best_[end] == best_[first]) ++end;
      for (std::size_t from = first; from < end; from += std::max<std::size_t>(1, (end - first) / 8)) {
        std::vector<int> candidate(best_.begin(), best_.begin() + static_cast<std::ptrdiff_t>(from));
        candidate.insert(candidate.end(), best_.begin() + static_cast<std::ptrdiff_t>(end), best_.end());
        if (!still_fails(candidate)) continue;
        std::vector<int> taken = world_.decisions();
        if (effort_of(taken) >= effort_of(best_)) taken = candidate;
        if (effort_of(taken) >= effort_of(best_)) continue;
        best_ = std::move(taken);
        return true;
      }
      first = end;
    }
    return false;
  }

  world& world_;
  const scenario_body& body_;
  finding_kind kind_;
  std::vector<int> best_;
  int runs_ = 0;
};

}  // namespace

std::string_view name_of(strategy how) noexcept { return strategy_names[static_cast<std::size_t>(how)]; }

std::optional<strategy> strategy_of(std::string_view name) noexcept {
  const auto found = std::ranges::find(strategy_names, name);
  if (found == strategy_names.end()) return std::nullopt;
  return static_cast<strategy>(found - strategy_names.begin());
}

search_result explore(const scenario_body& body, const search_options& options, const progress& tell) {
  world here{options.limits};
  // Statics that the scenario's code makes on its first run must not look different later.
  replay first_time{{}, replay::how::tolerant};
  std::ignore = here.run(first_time, body);

  const std::unique_ptr<search> by = make_search(options);
  search_result result;
  const double begun = cpu_seconds();
  const std::uint64_t steps_before = here.steps();
  for (bool goes_on = true; goes_on;) {
    result.found = here.run(*by, body);
    ++result.schedules;
    result.longest = std::max(result.longest, here.last_steps());
    if (result.found) {
      result.schedule = here.decisions();
      break;
    }
    goes_on = by->end_run();
    result.is_complete = !goes_on && by->is_exhaustive();
    if (result.schedules >= options.max_schedules) break;
    if (result.schedules % 1024 == 0) {
      const double seconds = cpu_seconds() - begun;
      if (tell) tell(result.schedules, seconds);
      if (seconds > options.max_seconds) break;
    }
  }
  result.seconds = cpu_seconds() - begun;
  result.steps = here.steps() - steps_before;
  if (result.found && result.found.kind != finding_kind::divergence && options.shrinks) {
    result.schedule = shrinker{here, body, result.found.kind}.shrink(std::move(result.schedule));
    replay again{result.schedule, replay::how::tolerant};
    result.found = here.run(again, body);
  }
  return result;
}

replayed replay_schedule(const scenario_body& body, const std::vector<int>& schedule, world_limits limits) {
  world here{limits};
  replay first_time{{}, replay::how::tolerant};
  std::ignore = here.run(first_time, body);
  replayed result;
  replay follow{schedule, replay::how::exact};
  result.found = here.run(follow, body, &result.told);
  return result;
}

}  // namespace rcuvm::explore
