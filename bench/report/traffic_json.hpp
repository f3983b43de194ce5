// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Traffic as JSON: the same in the explorer's answer and in a result file.

#include <nlohmann/json.hpp>

#include "bench/report/proofs.hpp"

namespace rcuvm::report {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(traffic, design, what, updates, stores)

}  // namespace rcuvm::report
