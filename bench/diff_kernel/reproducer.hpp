// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A failing sequence as a program of its own.

#include <cstdint>
#include <span>
#include <string>

#include "bench/diff_kernel/call.hpp"

namespace rcuvm::diff_kernel {

/// The text of a C program, for `cc FILE.c`, that performs the calls on the kernel, and prints what comes of each, and the lines
/// of its /proc/self/maps after it. `said`: what the sides answered, as a comment.
[[nodiscard]] std::string reproducer(std::span<const call> calls, std::uint64_t arena_bytes,
                                     const std::string& said);

}  // namespace rcuvm::diff_kernel
