// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One line of `perf script`, cut into its columns:
///
///    mh 23703/23703 [000]  2536.239263039:           syscalls:sys_enter_munmap: addr: 0x7fdc75381000, len: 0x0000e5ef
///    COMM PID/TID   [CPU]  SECONDS.FRACTION:         EVENT

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "proc_maps/cursor.hpp"

namespace rcuvm::recording {

struct perf_line {
  std::string_view comm;  ///< may hold spaces, and may be empty
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  std::uint32_t cpu = 0;
  std::uint64_t time_ns = 0;
  std::string_view event;  ///< the rest of the line, without the spaces before it
};

/// Why a line, or a part of one, makes no sense.
struct garble {
  std::size_t column = 1;   ///< bytes, from 1
  std::string_view reason;  ///< a literal
  std::string_view detail;  ///< a literal, or empty
};

/// A view into `line`; nothing is copied.
[[nodiscard]] std::expected<perf_line, garble> parse_perf_line(std::string_view line) noexcept;

/// "SECONDS.FRACTION" with 1 to 9 digits behind the point, in nanoseconds.
[[nodiscard]] std::optional<std::uint64_t> take_time_ns(proc_maps::cursor& from) noexcept;

}  // namespace rcuvm::recording
