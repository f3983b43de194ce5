// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The numbers of the mmap family of system calls, as the model's values.

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "rcuvm/mm/request.hpp"
#include "rcuvm/vm/protection.hpp"

namespace rcuvm {

/// Of PROT_ values; others are left out.
[[nodiscard]] constexpr vm::protection protection_of(std::uint32_t kernel_bits) noexcept {
  return vm::protection::from_bits(
      static_cast<std::uint8_t>(kernel_bits & (PROT_READ | PROT_WRITE | PROT_EXEC)));
}

/// Of MAP_ values; those without a counterpart are left out.
[[nodiscard]] constexpr mm::map_flags map_flags_of(std::uint32_t kernel_bits) noexcept {
  using enum mm::map_flag;
  constexpr std::pair<std::uint32_t, mm::map_flag> same[] = {
      {MAP_FIXED, fixed},          {MAP_FIXED_NOREPLACE, fixed_noreplace},
      {MAP_GROWSDOWN, grows_down}, {MAP_NORESERVE, no_reserve},
      {MAP_LOCKED, locked},        {MAP_POPULATE, populate},
      {MAP_STACK, stack}};
  mm::map_flags made;
  if ((kernel_bits & MAP_TYPE) != MAP_PRIVATE) made = made.with(shared);
  for (const auto& [bit, flag] : same) {
    if ((kernel_bits & bit) != 0) made = made.with(flag);
  }
  return made;
}

/// Of MREMAP_ values; others are left out.
[[nodiscard]] constexpr mm::remap_flags remap_flags_of(std::uint32_t kernel_bits) noexcept {
  return mm::remap_flags::from_bits(static_cast<std::uint8_t>(kernel_bits & 7U));
}

}  // namespace rcuvm
