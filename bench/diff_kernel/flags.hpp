// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The flags of mappings as text: what /proc/PID/maps does not show.

#include <string>
#include <string_view>

#include "rcuvm/base/range.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::diff_kernel {

/// "10100000-10103000 rd wr nr\n": those flags that the model knows, with the names of smaps.
[[nodiscard]] std::string flags_line(range where, vm::vma_flags flags);

/// The same for each mapping of a /proc/PID/smaps that begins in `arena`.
[[nodiscard]] std::string flags_of_smaps(std::string_view smaps, range arena);

}  // namespace rcuvm::diff_kernel
