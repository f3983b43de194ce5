// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the explorer is asked: a few threads on the real code, and what must come out under each design.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explore/explorer.hpp"
#include "rcuvm/base/mutation.hpp"

namespace rcuvm::explore {

enum class verdict : std::uint8_t { holds, fails };

/// A scenario under one design, or with one variant of a walk or a tree operation.
struct subject {
  std::string design;  ///< a name of designs.hpp, or "-" where the scenario has none
  scenario_body body;
  verdict expected = verdict::holds;
  finding_kind kind = finding_kind::none;  ///< of the finding that is expected
  search_options search;                   ///< what `./dev test` runs
};

struct scenario {
  std::string_view name;     ///< as `rcuvm explore NAME` says it
  std::string_view summary;  ///< one line
  std::string_view claim;    ///< the guarantee that is at stake: "F2", "G3", "M1"
  std::vector<subject> subjects;
};

/// A mutation and the scenario that catches it.
struct twin {
  mutation broken;
  std::string_view name;  ///< as `rcuvm explore --mutation NAME` says it
  std::string_view leaves_out;
  std::string_view scenario;
  std::string_view design;
  finding_kind kind;
};

/// All scenarios, in the order of all tables.
[[nodiscard]] const std::vector<scenario>& all_scenarios();
[[nodiscard]] const scenario* find_scenario(std::string_view name);
[[nodiscard]] const subject* find_subject(const scenario& of, std::string_view design);
/// Which scenario catches which mutation.
[[nodiscard]] std::span<const twin> all_twins();

// One list a file of this folder.
[[nodiscard]] std::vector<scenario> rcu_scenarios();
[[nodiscard]] std::vector<scenario> reuse_scenarios();
[[nodiscard]] std::vector<scenario> limbo_scenarios();
[[nodiscard]] std::vector<scenario> tree_scenarios();
[[nodiscard]] std::vector<scenario> page_scenarios();
[[nodiscard]] std::vector<scenario> fork_scenarios();
[[nodiscard]] std::vector<scenario> advice_scenarios();
[[nodiscard]] std::vector<scenario> lazy_scenarios();
[[nodiscard]] std::vector<scenario> file_scenarios();
[[nodiscard]] std::vector<scenario> walk_scenarios();

/// A program whose traffic is counted (explore/traffic.hpp): its thread `traffic_thread` does something `count` times.
struct traffic_program {
  std::string_view what;
  std::vector<std::pair<std::string, std::function<scenario_body(unsigned count)>>> by_design;
};
inline constexpr const char* traffic_thread = "measured";
[[nodiscard]] std::vector<traffic_program> traffic_programs();

/// A scenario without designs: what it is about stands in their place.
[[nodiscard]] inline scenario one_subject(std::string_view name, std::string_view summary,
                                          std::string_view claim, std::string about, scenario_body body,
                                          const search_options& search) {
  return {.name = name,
          .summary = summary,
          .claim = claim,
          .subjects = {{.design = std::move(about), .body = std::move(body), .search = search}}};
}

// For the bodies.

/// Runs the threads together, until all have ended.
template <class... Thread>
void together(Thread&&... threads) {
  std::vector<world::thread_body> bodies;
  (bodies.push_back(std::forward<Thread>(threads)), ...);
  world::current()->concurrently(std::move(bodies));
}

/// A guarantee of the scenario.
#define RCUVM_PROMISE(expression, what) RCUVM_CHECK(expression, what)

}  // namespace rcuvm::explore
