// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A scenario under several designs, again and again.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/replay/figures.hpp"
#include "bench/workload/run.hpp"
#include "bench/workload/scenario.hpp"

namespace rcuvm::workload {

/// By design.
using medians = std::map<std::string, replay::figures>;

/// Runs `of` under each design `repetitions` times. Designs take turns at going first, so that what the machine does meanwhile
/// falls on all of them. on_run(design) is called before each run. Throws as run() does.
[[nodiscard]] medians measure(const scenario& of, const std::vector<std::string>& designs,
                              const run_options& how, unsigned repetitions,
                              const std::function<void(const std::string&)>& on_run);

}  // namespace rcuvm::workload
