// SPDX-License-Identifier: Apache-2.0
#include "bench/report/workloads.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rcuvm::report {

namespace {

constexpr double seconds_of_a_run = 0.06;
constexpr unsigned repetitions = 3;

}  // namespace

std::vector<workload_facts> measure_workloads(const std::vector<workload::scenario>& of,
                                              const std::vector<std::string>& designs, std::uint32_t threads,
                                              const on_workload& on_run) {
  std::vector<workload_facts> made;
  const double runs = static_cast<double>(of.size() * designs.size() * repetitions);
  double done = 0;
  for (const workload::scenario& each : of) {
    const workload::run_options how{.threads = threads, .seconds = seconds_of_a_run};
    made.push_back(
        {.name = each.name,
         .what = each.what,
         .source = each.source,
         .threads = each.threads(threads),
         .medians = workload::measure(each, designs, how, repetitions, [&](const std::string& design) {
           on_run(fmt::format("workload {}, {}", each.name, design), done++ / runs);
         })});
  }
  return made;
}

std::vector<workload::curve_point> measure_grace_curve(const workload::scenario& of,
                                                       const std::vector<std::string>& designs,
                                                       const on_workload& on_run) {
  workload::curve_options how;
  how.stays_ns = {1'000, 100'000, 1'000'000, 10'000'000};
  how.readers = {1};
  how.seconds = seconds_of_a_run;
  how.repetitions = repetitions;
  for (const std::string& each : workload::designs_of_curve()) {
    if (std::ranges::find(designs, each) != designs.end()) how.designs.push_back(each);
  }
  if (how.designs.empty()) return {};
  return workload::measure_curve(
      of, how, [&](const std::string& what, double share) { on_run("grace periods: " + what, share); });
}

}  // namespace rcuvm::report
