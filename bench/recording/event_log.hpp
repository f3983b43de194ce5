// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writes events into a trace at the time of the line that is being read, and remembers when each space's maps were
/// changing, which is what decides about the sampled maps.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/recording/recording.hpp"

namespace rcuvm::recording {

/// [from_ns, to_ns): a call was under way that may change the maps of `space`.
struct change_window {
  space_id space = no_id;
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = 0;
  bool is_exec = false;
  std::int32_t pid = 0;  ///< 0: for every process in that space
};

class event_log {
 public:
  explicit event_log(trace& into) noexcept : trace_{into} {}

  void advance_to(std::uint64_t now_ns) noexcept { now_ns_ = now_ns; }
  [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }

  /// The index of the new event.
  std::size_t append(space_id space, task_id task, const event::payload& what);
  [[nodiscard]] event::payload& payload_at(std::size_t index) { return trace_.events[index].what; }
  [[nodiscard]] std::size_t size() const noexcept { return trace_.events.size(); }

  [[nodiscard]] table_slice add_notices(const std::vector<notice>& some);

  /// Counts an oddity: "WHAT" or "WHAT: DETAIL".
  void note_oddity(std::string_view what, std::string_view detail = {});

  /// Counts a call that the kernel refused.
  void note_failure(std::string_view call);

  void add_window(change_window one) { windows_.push_back(one); }
  [[nodiscard]] const std::vector<change_window>& windows() const noexcept { return windows_; }

  [[nodiscard]] trace& into() noexcept { return trace_; }

 private:
  trace& trace_;
  std::uint64_t now_ns_ = 0;
  std::vector<change_window> windows_;
};

}  // namespace rcuvm::recording
