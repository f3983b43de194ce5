// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "explore/scenarios/scenario.hpp"

namespace rcuvm::explore {

const std::vector<scenario>& all_scenarios() {
  static const std::vector<scenario> all = [] {
    std::vector<scenario> made;
    for (auto make : {rcu_scenarios, reuse_scenarios, limbo_scenarios, tree_scenarios, page_scenarios,
                      fork_scenarios, advice_scenarios, lazy_scenarios, file_scenarios, walk_scenarios}) {
      std::ranges::move(make(), std::back_inserter(made));
    }
    return made;
  }();
  return all;
}

const scenario* find_scenario(std::string_view name) {
  const auto found = std::ranges::find(all_scenarios(), name, &scenario::name);
  return found == all_scenarios().end() ? nullptr : &*found;
}

const subject* find_subject(const scenario& of, std::string_view design) {
  const auto found = std::ranges::find(of.subjects, design, &subject::design);
  return found == of.subjects.end() ? nullptr : &*found;
}

}  // namespace rcuvm::explore
