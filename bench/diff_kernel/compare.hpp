// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A sequence of calls on both sides, and the first call after which they are not alike.

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "bench/diff_kernel/answer.hpp"
#include "bench/diff_kernel/call.hpp"
#include "bench/diff_kernel/model.hpp"
#include "bench/diff_kernel/scene.hpp"
#include "proc_maps/entry.hpp"

namespace rcuvm::diff_kernel {

struct difference {
  std::size_t index = 0;  ///< of the call
  sight kernel = {};
  sight model = {};
};

/// Answers, bytes, and lines are compared, lines with all their columns. Only the inodes of shared anonymous memory differ by
/// nature: they are compared after numbering them on each side in the order of their first appearance. What mincore says of
/// files is left out; and which of their pages are mapped, after an MADV_PAGEOUT.
///
/// Throws std::runtime_error when the child cannot go on.
[[nodiscard]] std::optional<difference> first_difference(std::span<const call> calls, const stage& on,
                                                         model& by);

/// Is it a line of shared anonymous memory, named or not?
[[nodiscard]] bool is_shared_anonymous(const proc_maps::entry& line);

/// Both sides of a difference, and the call.
[[nodiscard]] std::string to_text(const difference& found, const call& of);

}  // namespace rcuvm::diff_kernel
