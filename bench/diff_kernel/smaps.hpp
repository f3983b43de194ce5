// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Flags and private pages of mappings as text: what /proc/PID/maps does not show.

#include <cstdint>
#include <string>
#include <string_view>

#include "rcuvm/base/range.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::diff_kernel {

/// "10100000-10103000 rd wr nr, 2 anonymous\n": those flags that the model knows, with the names of smaps, and how many
/// pages no file holds.
[[nodiscard]] std::string smaps_line(range where, vm::vma_flags flags, std::uint64_t anonymous_pages);

/// The same for each mapping of a /proc/PID/smaps that begins in `arena`.
[[nodiscard]] std::string lines_of_smaps(std::string_view smaps, range arena);

}  // namespace rcuvm::diff_kernel
