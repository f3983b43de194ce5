// SPDX-License-Identifier: Apache-2.0
#include "explore/scenarios/scenario.hpp"

namespace rcuvm::explore {

std::vector<scenario> walk_scenarios() { return {}; }

}  // namespace rcuvm::explore
