// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Facts of the text that the parser and the formatter share.

#include <cstddef>
#include <string_view>

namespace rcuvm::proc_maps {

/// Bytes before the name: the fields and their padding. Longer fields are followed by two spaces.
/// Kernel: seq_setwidth(25 + 6 * sizeof(void *) - 1), then seq_pad(' ').
inline constexpr std::size_t name_column = 73;

/// How a newline in a name is written; the only escape there is.
inline constexpr std::string_view escaped_newline = "\\012";

}  // namespace rcuvm::proc_maps
