// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Addresses and pages.

#include <cstdint>

namespace rcuvm {

/// A virtual address, in bytes.
using address = std::uint64_t;

inline constexpr unsigned page_shift = 12;
inline constexpr std::uint64_t page_size = std::uint64_t{1} << page_shift;  ///< bytes

/// The start of the page that holds `at`.
[[nodiscard]] constexpr address page_floor(address at) noexcept { return at & ~(page_size - 1); }

/// The first page start at or above `at`; 0 when there is none (at the very top, as the kernel's PAGE_ALIGN).
[[nodiscard]] constexpr address page_ceil(address at) noexcept { return page_floor(at + page_size - 1); }

[[nodiscard]] constexpr bool is_page_aligned(address at) noexcept { return page_floor(at) == at; }

}  // namespace rcuvm
