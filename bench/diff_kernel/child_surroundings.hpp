// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What surrounds the arena in the child: limits, other mappings, no free addresses.

#include <cstdint>

#include "bench/diff_kernel/answer.hpp"
#include "bench/diff_kernel/call.hpp"
#include "bench/diff_kernel/child.hpp"

namespace rcuvm::diff_kernel {

/// The stack does not grow any more: its pages count against limits.
void use_stack();
/// Before fill_elsewhere(): addresses for crowd(), if there is such a call.
void make_crowd_room(const child_work& work);
/// Occupies all other addresses, so that whatever may go anywhere has to go to the arena. Its pages cannot be touched, and
/// nothing is counted for them but addresses.
void fill_elsewhere(const child_work& work);

/// A call of verb::limit.
[[nodiscard]] answer limit(const call& one);
[[nodiscard]] answer limit_to(std::uint32_t resource, std::uint64_t bytes);
/// Mappings elsewhere until there may be so many more.
[[nodiscard]] answer crowd(const child_work& work, std::uint64_t left);

}  // namespace rcuvm::diff_kernel
