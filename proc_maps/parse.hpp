// SPDX-License-Identifier: Apache-2.0
#pragma once

/// /proc/PID/maps, from text to entries. Format: proc_pid_maps(5); what that page leaves out stands in section 7 of
/// FORMATS.md beside the shared recordings.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "proc_maps/entry.hpp"

namespace rcuvm::proc_maps {

struct parse_error {
  std::uint64_t line = 1;   ///< from 1
  std::size_t column = 1;   ///< bytes, from 1
  std::string_view reason;  ///< a literal

  /// "3:18: no permissions (rwxp)"
  [[nodiscard]] std::string to_text() const;
};

/// One line, without its newline. `\012` in the name becomes a newline: the kernel escapes nothing else, so a file
/// whose name really holds those four characters cannot be told apart.
[[nodiscard]] std::expected<entry, parse_error> parse_line(std::string_view line);

/// A whole file. Its last line ends with a newline, else the text was cut off.
[[nodiscard]] std::expected<std::vector<entry>, parse_error> parse(std::string_view text);

}  // namespace rcuvm::proc_maps
