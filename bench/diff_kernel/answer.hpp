// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What came of a call.

#include <cstdint>
#include <string>
#include <vector>

#include "proc_maps/entry.hpp"

namespace rcuvm::diff_kernel {

enum class outcome : std::uint8_t {
  returned,     ///< value: what was returned; an address counts from the arena's start
  failed,       ///< value: errno
  not_mapped,   ///< SIGSEGV, SEGV_MAPERR
  not_allowed,  ///< SIGSEGV, SEGV_ACCERR
  beyond_file,  ///< SIGBUS
};

struct answer {
  diff_kernel::outcome outcome = outcome::returned;
  std::uint64_t value = 0;

  friend bool operator==(const answer&, const answer&) = default;
};

/// A call's effect as one side shows it: the answer, and all that can be seen afterwards.
struct sight {
  diff_kernel::answer answer;
  std::string seen;                     ///< by a show, a mincore, an inspect
  std::vector<proc_maps::entry> lines;  ///< the arena's, of /proc/PID/maps
};

/// How a page is drawn: what was stored at its start, '0' for a zero, '.' not mapped, '-' no access, '!' beyond its file.
[[nodiscard]] constexpr char page_letter(const answer& loaded) noexcept {
  switch (loaded.outcome) {
    case outcome::returned: return loaded.value == 0 ? '0' : static_cast<char>(loaded.value);
    case outcome::not_allowed: return '-';
    case outcome::beyond_file: return '!';
    case outcome::failed:
    case outcome::not_mapped: break;
  }
  return '.';
}

/// How mincore's answer for a page is drawn.
[[nodiscard]] constexpr char page_bit(bool is_resident) noexcept { return is_resident ? '1' : '0'; }

/// "0x3000", "ENOMEM", "SIGBUS", ...
[[nodiscard]] std::string to_text(const answer& one);

}  // namespace rcuvm::diff_kernel
