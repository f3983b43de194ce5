// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Flags and pages of mappings as text: what /proc/PID/maps does not show.

#include <cstdint>
#include <string>
#include <string_view>

#include "rcuvm/base/range.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::diff_kernel {

/// Pages of a mapping.
struct smaps_counts {
  std::uint64_t resident = 0;   ///< pages, Rss
  std::uint64_t anonymous = 0;  ///< pages
  std::uint64_t locked = 0;     ///< kB
};

/// "10100000-10103000 rd wr nr, 2 anonymous, 3 resident, 0 kB locked\n": those flags that the model knows, with the names of
/// smaps.
[[nodiscard]] std::string smaps_line(range where, vm::vma_flags flags, const smaps_counts& has);

/// The same for each mapping of a /proc/PID/smaps that begins in `arena`.
[[nodiscard]] std::string lines_of_smaps(std::string_view smaps, range arena);

}  // namespace rcuvm::diff_kernel
