// SPDX-License-Identifier: Apache-2.0
#include "bench/workload/grace_curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bench/workload/medians.hpp"

namespace rcuvm::workload {

namespace {

double seconds_of_run(const curve_options& how, std::uint64_t stay_ns) {
  return std::max(how.seconds, how.stays_in_a_run * static_cast<double>(stay_ns) / 1e9);
}

}  // namespace

scenario with_readers(scenario from, unsigned readers, std::uint64_t stay_ns) {
  const auto group = std::ranges::find(from.groups, "reader", &thread_group::name);
  if (group == from.groups.end())
    throw std::runtime_error{fmt::format("{}: there are no threads \"reader\"", from.name)};
  group->count = readers;
  bool stays = false;
  for (step& one : group->loop) {
    if (one.what != verb::stay) continue;
    one.nanoseconds = stay_ns;
    stays = true;
  }
  if (!stays) throw std::runtime_error{fmt::format("{}: its readers never stay", from.name)};
  return from;
}

double seconds_of(const curve_options& how) {
  double sum = 0;
  for (const std::uint64_t stay : how.stays_ns) sum += seconds_of_run(how, stay);
  return sum * static_cast<double>(how.readers.size() * how.designs.size() * how.repetitions);
}

std::vector<curve_point> measure_curve(const scenario& from, const curve_options& how,
                                       const std::function<void(const std::string&, double)>& on_run) {
  std::vector<curve_point> made;
  const double all = seconds_of(how);
  double done = 0;
  for (const unsigned readers : how.readers) {
    for (const std::uint64_t stay : how.stays_ns) {
      const scenario here = with_readers(from, readers, stay);
      const run_options run_for{.threads = 1, .seconds = seconds_of_run(how, stay)};
      const auto on_design = [&](const std::string& design) {
        on_run(fmt::format("{}, {} reader{}, {} µs", design, readers, readers == 1 ? "" : "s",
                           static_cast<double>(stay) / 1e3),
               done / all);
        done += run_for.seconds;
      };
      medians got = measure(here, how.designs, run_for, how.repetitions, on_design);
      for (const std::string& design : how.designs)
        made.emplace_back(design, readers, stay, std::move(got[design]));
    }
  }
  return made;
}

}  // namespace rcuvm::workload
