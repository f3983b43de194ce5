// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A failing sequence made short.

#include <functional>
#include <vector>

#include "bench/diff_kernel/call.hpp"

namespace rcuvm::diff_kernel {

/// Leaves calls out as long as the rest still fails: after it, each call that is left is needed. `fails` is asked about shorter
/// sequences only; `calls` itself fails. A. Zeller, R. Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002.
/// Cost: calls squared times fails() at worst, a few hundred times as a rule.
[[nodiscard]] std::vector<call> shrink(std::vector<call> calls,
                                       const std::function<bool(const std::vector<call>&)>& fails);

}  // namespace rcuvm::diff_kernel
