// SPDX-License-Identifier: Apache-2.0
#pragma once

/// References in a VMA's word, beside a bit that ends them.

#include <cstdint>

#include "rcuvm/vm/vma.hpp"

namespace rcuvm::designs {

/// Takes a reference, unless the bit `closed` is set: then false. Progress: lock-free.
[[nodiscard]] inline bool refer_unless(vm::vma& which, std::uint32_t closed) noexcept {
  std::uint32_t now = which.word().load_relaxed();
  do {
    if ((now & closed) != 0) return false;
  } while (!which.word().cas_acq_rel(now, now + 1));  // vmalock.R1 <- vmalock.W1; refcount.R1 <-> refcount.W1
  return true;
}

}  // namespace rcuvm::designs
