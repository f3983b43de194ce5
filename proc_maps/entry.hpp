// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One line of /proc/PID/maps, as values.

#include <cstdint>
#include <string>
#include <string_view>

#include "rcuvm/base/flags.hpp"
#include "rcuvm/base/range.hpp"

namespace rcuvm::proc_maps {

/// The four permission letters.
enum class permission : std::uint8_t { read = 1, write = 2, execute = 4, shared = 8 };
using permissions = flags<permission>;

/// One line. Kernel: show_map_vma() of fs/proc/task_mmu.c.
struct entry {
  range where;               ///< bytes, half-open
  permissions allowed;       ///< `r`, `w`, `x`, and `s` (shared) instead of `p`
  std::uint64_t offset = 0;  ///< bytes into the file; 0 for anonymous memory
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;
  /// Raw bytes, as the kernel has the name: a newline is a newline (the text shows `\012`), all else is as in
  /// the text. Empty: no name. It may hold spaces, tabs and bytes that are no UTF-8.
  std::string name;

  friend bool operator==(const entry&, const entry&) = default;
};

/// The last line of most processes, above the user address space; no tree of rcuvm holds it.
inline constexpr std::string_view vsyscall_name = "[vsyscall]";

}  // namespace rcuvm::proc_maps
