// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A small result made by hand, for tests of what is said about it.

#include <string>
#include <string_view>
#include <vector>

#include "bench/report/campaign.hpp"

namespace rcuvm::report {

/// Two designs, two recordings, no run yet, on a machine that nobody warns of.
inline result example_result() {
  result made;
  made.machine = {.date = "2026-01-02T03:04:05Z",
                  .cpu = "a CPU",
                  .cores = 16,
                  .memory_bytes = 1U << 30U,
                  .kernel = "Linux 6.1",
                  .system = "Debian",
                  .compiler = "g++",
                  .flags = "-O3",
                  .version = "0.1",
                  .is_optimized = true,
                  .sanitizer = "",
                  .rcu_flavour = "memb",
                  .rcu_version = "0.13",
                  .clock_cost_ns = 20};
  made.how = {
      .designs = {"base", "other"}, .summaries = {{"base", "one lock"}}, .workers = 2, .repetitions = 3};
  for (const char* name : {"one", "two"}) {
    made.recordings.push_back(
        {.name = name, .program = "p", .command = "c", .steps = 10, .faults = 5, .skipped = {}});
  }
  return made;
}

/// The figure `key` of each repetition, the warm-up first.
inline void add_runs(result& to, std::string_view recording, std::string_view design, std::string_view key,
                     const std::vector<double>& values, replay::walker mode = replay::walker::none) {
  for (std::uint32_t repetition = 0; repetition < values.size(); ++repetition) {
    to.runs.push_back({.recording = std::string{recording},
                       .design = std::string{design},
                       .mode = mode,
                       .repetition = repetition,
                       .passes = 2,
                       .values = {{std::string{key}, values[repetition]}}});
  }
}

/// Faults of `other` take half as long on both recordings, its writers three times as long on one.
inline result example_with_runs() {
  result made = example_result();
  for (const char* name : {"one", "two"}) {
    add_runs(made, name, "base", "fault.p99_ns", {900, 100, 104, 102});
    add_runs(made, name, "other", "fault.p99_ns", {900, 50, 52, 51});
    add_runs(made, name, "base", "writer.p99_ns", {9, 1000, 1010, 990});
  }
  add_runs(made, "one", "other", "writer.p99_ns", {9, 3000, 3010, 2990});
  add_runs(made, "two", "other", "writer.p99_ns", {9, 1000, 1005, 1001});
  add_runs(made, "one", "other", "limbo.high_water_bytes", {1, 4096, 4096, 4096});
  return made;
}

}  // namespace rcuvm::report
