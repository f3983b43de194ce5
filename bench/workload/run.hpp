// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A scenario on real threads under one design.

#include <string_view>

#include "bench/replay/figures.hpp"
#include "bench/workload/scenario.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/vm/machine.hpp"

namespace rcuvm::workload {

struct run_options {
  unsigned threads = 2;  ///< of each group that has no count of its own
  double seconds = 1;
  vm::shootdowns shootdowns = vm::shootdowns::at_once;
  sync::reader_wait readers = sync::reader_wait::sleep;
};

/// Figures: "GROUP.loops_per_s"; for each timed verb that occurs "VERB.per_s" and its latencies; "count.*" of the cpus
/// and "limbo.*", as a replay has them, but for the whole run. Each thread begins at least one loop.
///
/// `design` is one of designs::names(). Throws std::runtime_error when a call of the scenario is refused, with the call and
/// its errno, or when there are more than 63 threads.
[[nodiscard]] replay::figures run(const scenario& of, std::string_view design, const run_options& how);

}  // namespace rcuvm::workload
