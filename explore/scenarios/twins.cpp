// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "explore/scenarios/scenario.hpp"

namespace rcuvm::explore {

std::span<const twin> all_twins() { return {}; }

}  // namespace rcuvm::explore
