// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Measured replay: the plan on real threads, as fast as it goes, both sides on the clock.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/replay/figures.hpp"
#include "bench/replay/plan.hpp"
#include "rcuvm/sync/rwsem.hpp"

namespace rcuvm::replay {

struct measure_options {
  walker mode = walker::none;
  std::uint32_t passes = 1;  ///< replays of the whole recording, one after the other
  std::uint64_t walk_pause_ns =
      100'000;  ///< between two walks: a monitor that looks often, but does not only look
  std::size_t walk_chunk_lines = 48;  ///< of a chunked walk: about a page of text, as seq_file
  sync::reader_wait readers = sync::reader_wait::sleep;
};

struct measurement {
  figures values;
  distributions shapes;
};

/// Runs under the design of that name; the name must be one of designs::names(). Throws std::system_error,
/// std::bad_alloc, and std::runtime_error for more than 63 workers.
///
/// Latencies are between two readings of the clock, one after each step; what a worker waits for another is not in them.
/// Counts are per pass, peaks those of all passes.
[[nodiscard]] measurement measure(const plan& of, std::string_view design, const measure_options& how);

}  // namespace rcuvm::replay
