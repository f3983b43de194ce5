// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Why a recording cannot be read: which file, which line, what is wrong with it.

#include <cstdint>
#include <string>

namespace rcuvm::recording {

struct read_error {
  std::string file;
  std::uint64_t line = 0;  ///< from 1; 0: the file as a whole
  std::string reason;

  /// "NAME.perf.xz:17: no time"
  [[nodiscard]] std::string to_text() const {
    return line == 0 ? file + ": " + reason : file + ":" + std::to_string(line) + ": " + reason;
  }
};

}  // namespace rcuvm::recording
