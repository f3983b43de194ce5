// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What is on the terminal while Google Benchmark measures: a line for each benchmark, with the median of its repetitions.

#include <benchmark/benchmark.h>

#include <vector>

namespace rcuvm::tree_bench {

class median_reporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
};

}  // namespace rcuvm::tree_bench
