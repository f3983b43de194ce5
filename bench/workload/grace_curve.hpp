// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a grace period costs munmap: its latency against how long readers stay inside.
///
///   reader   ├── stays ──┤├── stays ──┤├── stays ──┤       as many as asked for, without a pause
///   mapper   MAP_FIXED · write · munmap ·············│ MAP_FIXED · write · munmap ······
///                                       `sync` waits here     `tombstone` waits here

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/replay/figures.hpp"
#include "bench/workload/scenario.hpp"

namespace rcuvm::workload {

/// The designs that differ in it: who waits for a grace period, and who does not.
[[nodiscard]] inline std::vector<std::string> designs_of_curve() {
  return {"sync", "refcount", "tombstone", "replace"};
}

struct curve_options {
  std::vector<std::string> designs;
  std::vector<std::uint64_t> stays_ns;
  std::vector<unsigned> readers{1, 2, 4, 8};
  double seconds = 0.3;          ///< of each run, at least
  unsigned repetitions = 3;      ///< designs take turns, medians are kept
  unsigned stays_in_a_run = 20;  ///< a run lasts that many at least
};

struct curve_point {
  std::string design;
  unsigned readers = 0;
  std::uint64_t stay_ns = 0;
  replay::figures medians;  ///< as workload::run() has them: "unmap.*", "map.*" (MAP_FIXED), "limbo.*"
};

/// The scenario `from` with so many threads in the group "reader", all whose stays take `stay_ns`.
/// Throws std::runtime_error when there is no such group, or it never stays.
[[nodiscard]] scenario with_readers(scenario from, unsigned readers, std::uint64_t stay_ns);

/// How long all runs take, about.
[[nodiscard]] double seconds_of(const curve_options& how);

/// In the order: readers, stays, designs. on_run is told each run before it begins, and the share that is done.
[[nodiscard]] std::vector<curve_point> measure_curve(
    const scenario& from, const curve_options& how,
    const std::function<void(const std::string&, double)>& on_run);

}  // namespace rcuvm::workload
