// SPDX-License-Identifier: Apache-2.0
#pragma once

/// From lines in the order in which they were written to events in the order in which they took effect.
///
///   line           enter mmap | enter munmap | MMAP2 | exit munmap | exit mmap
///   event                       munmap                               mmap
///
/// A munmap takes effect at its enter, every other call at its exit (FORMATS.md section 1; all sampled maps of the
/// shared recordings agree). Its event is written at the enter and gets its result at the exit.

#include <cstddef>
#include <cstdint>
#include <expected>

#include "bench/recording/event_log.hpp"
#include "bench/recording/file_table.hpp"
#include "bench/recording/perf_event.hpp"
#include "bench/recording/perf_line.hpp"
#include "bench/recording/process_tree.hpp"
#include "bench/recording/segments.hpp"

namespace rcuvm::recording {

/// Whether a line became an event or a part of one.
enum class line_use : std::uint8_t { event, nothing };

class translator {
 public:
  /// Writes into `into`, whose samples it judges; both outlive it.
  translator(trace& into, const first_segments& segments) noexcept
      : log_{into}, tree_{log_}, files_{into.files}, segments_{segments} {}

  /// The next line. Garbled: nothing has changed.
  [[nodiscard]] std::expected<line_use, garble> take(const perf_line& line);
  void finish();

 private:
  using used = std::expected<line_use, garble>;

  used take_event(const perf_line& line, const perf::page_fault& seen);
  used take_event(const perf_line& line, const perf::call_enter& seen);
  used take_event(const perf_line& line, const perf::call_exit& seen);
  used take_event(const perf_line& line, const perf::mapping& seen);
  used take_event(const perf_line& line, const perf::new_task& seen);
  used take_event(const perf_line& line, const perf::fork_record& seen);
  used take_event(const perf_line& line, const perf::exit_record& seen);
  used take_event(const perf_line& line, const perf::naming& seen);
  used take_event(const perf_line& line, const perf::lost_record& seen);
  used take_event(const perf_line& line, const perf::other_event& seen);

  used return_from_exec(const perf_line& line, const perf::call_exit& seen);
  void finish_call(live_task& by, pending_call call, std::uint64_t returned);
  used take_outside_mapping(const live_task& by, const notice& seen);
  [[nodiscard]] std::uint64_t first_segment_of(const notice& seen);

  /// Samples taken before this moment see the events so far.
  void place_samples_before(std::uint64_t now_ns);
  void judge_samples();

  event_log log_;
  process_tree tree_;
  file_table files_;
  const first_segments& segments_;
  std::size_t next_sample_ = 0;
};

}  // namespace rcuvm::recording
