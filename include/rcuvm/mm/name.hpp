// SPDX-License-Identifier: Apache-2.0
#pragma once

/// prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): what a process calls its anonymous memory.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

namespace mm {

inline constexpr std::size_t longest_name =
    79;  ///< bytes. Kernel: ANON_VMA_NAME_MAX_LEN, which counts the end, too

/// Kernel: is_valid_name_char.
[[nodiscard]] constexpr bool is_name(std::string_view text) noexcept {
  constexpr std::string_view forbidden = "\\`$[]";
  return text.size() <= longest_name && std::ranges::all_of(text, [&](char each) {
           return each > 0x1f && each < 0x7f && forbidden.find(each) == std::string_view::npos;
         });
}

/// As /proc/PID/maps shows it; "" for none.
[[nodiscard]] inline std::string shown_name(const vm::vma_fields& of, std::optional<std::string_view> name) {
  if (!name) return {};
  return (of.is_anonymous() ? "[anon:" : "[anon_shmem:") + std::string{*name} + "]";
}

}  // namespace mm

/// No name takes one away; an empty one is a name. EINVAL: not a name, not on the page grid, or beyond the top of all addresses. EBADF: a
/// mapping of a file; what lies before is done. ENOMEM, EAGAIN: as advise() says. Kernel: madvise_set_anon_name.
template <class Design>
result<void> address_space<Design>::name(vm::cpu& cpu, range where, std::optional<std::string_view> as) {
  if (as && !mm::is_name(*as)) return fail(EINVAL);
  if (!is_page_aligned(where.start) || where.end < where.start) return fail(EINVAL);
  where.end = page_ceil(where.end);
  if (where.end < where.start) return fail(EINVAL);  // it wrapped around
  if (where.is_empty()) return {};
  const auto refusal = [](const vm::vma_fields& of) {
    return of.is_anonymous() || of.backing->is_nameless() ? 0 : EBADF;
  };
  const auto change = [&](vm::vma_fields& of) {
    if (of.flags.has(vm::vma_flag::special)) return false;
    std::string made = mm::shown_name(of, as);
    return std::exchange(of.name, made) != made;
  };
  return change_once(cpu, [&](write_guard& guard) {
    return change_fields(cpu, guard, where, refusal, change, at_hole::goes_on);
  });
}

}  // namespace rcuvm
