// SPDX-License-Identifier: Apache-2.0
#include "bench/report/workloads.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rcuvm/designs/mmap_lock.hpp"

namespace rcuvm::report {

namespace {

constexpr double seconds_of_a_run = 0.06;
constexpr unsigned repetitions = 3;

}  // namespace

std::vector<workload_facts> measure_workloads(const std::vector<workload::scenario>& of, const settings& how,
                                              const on_workload& on_run) {
  const std::vector<std::string> old{std::string{designs::mmap_lock::name}};
  const bool has_old = std::ranges::find(how.designs, old.front()) != how.designs.end();
  const workload::run_options as_told{
      .threads = how.workers, .seconds = seconds_of_a_run, .readers = how.readers};
  workload::run_options other_way = as_told;
  other_way.readers = sync::other_than(how.readers);
  const double runs = static_cast<double>(of.size() * (how.designs.size() + (has_old ? 1 : 0)) * repetitions);
  double done = 0;
  std::vector<workload_facts> made;
  for (const workload::scenario& each : of) {
    const auto tell = [&](const std::string& design) {
      on_run(fmt::format("workload {}, {}", each.name, design), done++ / runs);
    };
    workload_facts& facts = made.emplace_back(
        workload_facts{.name = each.name,
                       .what = each.what,
                       .source = each.source,
                       .threads = each.threads(how.workers),
                       .medians = workload::measure(each, how.designs, as_told, repetitions, tell),
                       .other_readers = {}});
    if (has_old)
      facts.other_readers = workload::measure(each, old, other_way, repetitions, tell).at(old.front());
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
