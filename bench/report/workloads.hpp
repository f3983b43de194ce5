// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a report says beside the recordings: known workloads, and the price of a grace period. Short runs, for factors rather
/// than for percents; `rcuvm workload` and `rcuvm grace-curve` take their time.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/report/result.hpp"
#include "bench/workload/scenario.hpp"

namespace rcuvm::report {

/// Told each run before it begins, and the share that is done. May throw to end it all.
using on_workload = std::function<void(const std::string& what, double share)>;

/// Each scenario under each design, the groups without a count of their own with as many threads as there are workers; mmap-lock with
/// readers that wait the other way, too. Throws as workload::run().
[[nodiscard]] std::vector<workload_facts> measure_workloads(const std::vector<workload::scenario>& of,
                                                            const settings& how, const on_workload& on_run);

/// Under those of `designs` that differ in it; nothing where there is none.
/// `of` has readers that stay. Throws as workload::run().
[[nodiscard]] std::vector<workload::curve_point> measure_grace_curve(const workload::scenario& of,
                                                                     const std::vector<std::string>& designs,
                                                                     const on_workload& on_run);

}  // namespace rcuvm::report
