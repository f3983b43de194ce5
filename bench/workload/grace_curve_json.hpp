// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A point of the curve as JSON: the same in the command's answer and in a result file.

#include <nlohmann/json.hpp>

#include "bench/workload/grace_curve.hpp"

namespace rcuvm::workload {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(curve_point, design, readers, stay_ns, medians)

}  // namespace rcuvm::workload
