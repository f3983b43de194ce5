// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What runs in the child: calls on the real kernel.

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>

#include "bench/diff_kernel/answer.hpp"
#include "bench/diff_kernel/call.hpp"
#include "bench/diff_kernel/scene.hpp"

namespace rcuvm::diff_kernel {

/// One record of the child's: this head, then what was seen (of an inspect: smaps as it is), then the first lines of its
/// /proc/self/maps, whole ones, as far as the arena goes at least.
struct record_head {
  diff_kernel::answer answer;
  std::uint32_t seen = 0;  ///< bytes
  std::uint32_t text = 0;  ///< bytes
};

/// How the child ends when it cannot go on.
enum class child_exit : int {
  done,
  no_fence,
  no_heap,
  no_maps,
  too_many_lines,
  no_reader,
  no_status,
  no_crowd,
  no_fill
};

/// What the child needs, made before the fork: between fork and exit it allocates nothing and takes no lock, since a thread
/// of the parent may have been holding any.
struct child_work {
  pid_t parent;
  std::span<const call> calls;
  diff_kernel::stage stage;
  std::array<int, file_sizes.size()> files;
  int to_parent;             ///< a pipe for records
  std::span<char> workroom;  ///< for a record
};

/// Performs the calls one by one, and writes a record after each.
[[noreturn]] void perform_in_child(const child_work& work) noexcept;

}  // namespace rcuvm::diff_kernel
