// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/reporter.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace rcuvm::tree_bench {

bool median_reporter::ReportContext(const Context&) { return true; }

/// Called once for the repetitions of one benchmark, and once for what was worked out from them.
void median_reporter::ReportRuns(const std::vector<Run>& runs) {
  const bool is_single = runs.size() == 1;
  for (const Run& one : runs) {
    if (one.error_occurred) {
      fmt::print("{:<60} {}\n", one.benchmark_name(), one.error_message);
    } else if (is_single || one.aggregate_name == "median") {
      fmt::print("{:<60}", one.run_name.str());
      for (const auto& [name, counter] : one.counters) fmt::print(" {}={:.4g}", name, counter.value);
      fmt::print("\n");
    }
  }
  std::fflush(stdout);
}

}  // namespace rcuvm::tree_bench
