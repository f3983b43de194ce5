// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Entries to the text of /proc/PID/maps, byte for byte as the kernel writes it.

#include <span>
#include <string>

#include "proc_maps/entry.hpp"

namespace rcuvm::proc_maps {

/// Appends one line with its newline. Kernel: show_map_vma().
void append_line(std::string& text, const entry& one);

/// One line without its newline.
[[nodiscard]] std::string format_line(const entry& one);

[[nodiscard]] std::string format(std::span<const entry> entries);

}  // namespace rcuvm::proc_maps
