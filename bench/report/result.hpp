// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A result file: everything that was measured, and on what.

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/replay/figures.hpp"
#include "bench/report/machine.hpp"
#include "bench/report/proofs.hpp"
#include "bench/statistics.hpp"
#include "bench/workload/grace_curve.hpp"
#include "bench/workload/medians.hpp"

namespace rcuvm::report {

/// Raised when a reader of version n can no longer read the file.
inline constexpr int schema_version = 2;

/// What was replayed.
struct recording_facts {
  std::string name;
  std::string program;
  std::string command;
  std::uint64_t events = 0;
  std::uint64_t steps = 0;  ///< calls and faults replayed, per pass
  std::uint64_t faults = 0;
  std::uint64_t spaces = 0;
  std::uint64_t tasks = 0;
  std::uint64_t waits = 0;                       ///< of one worker for another, kept from the recorded order
  std::uint32_t passes = 1;                      ///< per run
  std::map<std::string, std::uint64_t> skipped;  ///< events that are no step, by reason
};

struct settings {
  std::vector<std::string> designs;              ///< the baseline first
  std::map<std::string, std::string> summaries;  ///< of the designs, a line each
  std::uint32_t workers = 0;
  std::uint32_t repetitions = 0;  ///< without the warm-up
  double budget_s = 0;            ///< 0: none
  sync::reader_wait readers = sync::reader_wait::sleep;
  std::uint64_t walk_pause_ns = 0;
  std::uint64_t walk_chunk_lines = 0;
};

/// A known workload under each design.
struct workload_facts {
  std::string name;
  std::string what;
  std::string source;
  std::uint32_t threads = 0;
  workload::medians medians;
  replay::figures
      other_readers;  ///< medians of mmap-lock with readers that wait the other way; empty: not measured
};

struct result {
  machine_facts machine;
  settings how;
  std::vector<recording_facts> recordings;
  std::vector<replay::run> runs;             ///< in the order in which they ran, warm-ups included
  std::vector<proof> proofs;                 ///< of the explorer; empty: it did not run
  std::vector<report::traffic> traffic;      ///< of the explorer, too
  std::vector<workload_facts> workloads;     ///< empty: not measured
  std::vector<workload::curve_point> curve;  ///< munmap against how long readers stay; empty: not measured
  std::vector<std::string> notes;            ///< what the measuring itself wants said: repetitions cut, ...
};

[[nodiscard]] std::string to_json(const result& from);
/// The reason when it is not a result file of this version.
[[nodiscard]] std::expected<result, std::string> from_json(std::string_view text);

/// The repeated measurements of one figure, warm-up left out.
[[nodiscard]] spread spread_of(const result& in, std::string_view recording, std::string_view design,
                               replay::walker mode, std::string_view key);

}  // namespace rcuvm::report
