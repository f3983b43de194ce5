// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What may be done with memory, and what a thread wants to do.

#include <cstdint>

#include "rcuvm/base/flags.hpp"

namespace rcuvm::vm {

/// PROT_READ, PROT_WRITE, PROT_EXEC, with the kernel's values.
enum class prot : std::uint8_t { read = 1, write = 2, exec = 4 };
using protection = flags<prot>;

/// The kind of one memory access.
enum class access : std::uint8_t { read, write, exec };

/// The one protection that `wanted` needs.
[[nodiscard]] constexpr prot needed_for(access wanted) noexcept {
  switch (wanted) {
    case access::write: return prot::write;
    case access::exec: return prot::exec;
    case access::read: break;
  }
  return prot::read;
}

/// May memory of `allowed` be used so? As on x86-64, what may be written or executed may be read.
[[nodiscard]] constexpr bool allows(protection allowed, access wanted) noexcept {
  return wanted == access::read ? !allowed.is_empty() : allowed.has(needed_for(wanted));
}

}  // namespace rcuvm::vm
