// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which system calls a recording tells about, and how each becomes an event.

#include <cstdint>
#include <expected>
#include <string_view>

#include "bench/recording/event.hpp"
#include "bench/recording/perf_event.hpp"

namespace rcuvm::recording {

/// What a call is to this reader.
enum class call_role : std::uint8_t {
  memory,  ///< becomes an event
  exec,    ///< execve, execveat: becomes a space_begin when it succeeds
  birth,   ///< clone and its kin: task_newtask tells what came of it
  death,   ///< exit, exit_group: PERF_RECORD_EXIT tells
};

struct call_kind {
  std::string_view name;
  call_role role = call_role::memory;
  /// The kernel announces what the call made with PERF_RECORD_MMAP2.
  bool takes_notices = false;
  /// Of role memory: the event without result and times, or the name of the argument that is missing.
  std::expected<event::payload, std::string_view> (*make)(const perf::arguments&) = nullptr;
};

/// The kind of that name; nullptr for a call that is only counted.
[[nodiscard]] const call_kind* find_call(std::string_view name) noexcept;

/// Of a payload that is a call: whether it can change a line of /proc/PID/maps: where a VMA begins or ends, its
/// permissions, its backing.
[[nodiscard]] bool changes_maps(const event::payload& call) noexcept;

}  // namespace rcuvm::recording
