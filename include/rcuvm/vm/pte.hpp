// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One page-table entry of the last level.

#include <cstdint>

#include "rcuvm/vm/frame.hpp"
#include "rcuvm/vm/protection.hpp"

namespace rcuvm::vm {

/// A word that says which frame a page has, and what may be done with it.
///
///   63        44 43              12 11      3  2    1     0
///   +-----------+------------------+---------+-----+-----+-----+
///   | generation|      frame       |    0    |exec |write|read |
///   +-----------+------------------+---------+-----+-----+-----+
///
/// The all-zero word is "no page". A present page without any protection (PROT_NONE) has a frame and no bits. A guard has no
/// frame and bit 3: nobody may touch the page until the guard is taken away. Kernel: PTE_MARKER_GUARD.
class pte {
 public:
  static constexpr std::uint32_t generation_mask = (1U << 20) - 1;

  constexpr pte() noexcept = default;
  constexpr explicit pte(std::uint64_t word) noexcept : word_{word} {}
  constexpr pte(frame_number frame, std::uint32_t generation, protection allowed) noexcept
      : word_{(std::uint64_t{generation & generation_mask} << 44) | (std::uint64_t{frame} << 12) |
              allowed.bits()} {}

  /// A guard instead of a page.
  [[nodiscard]] static constexpr pte guard() noexcept { return pte{guard_bit}; }

  [[nodiscard]] constexpr std::uint64_t word() const noexcept { return word_; }
  [[nodiscard]] constexpr bool is_empty() const noexcept { return word_ == 0; }
  [[nodiscard]] constexpr bool is_guard() const noexcept { return word_ == guard_bit; }
  [[nodiscard]] constexpr bool is_present() const noexcept { return !is_empty() && !is_guard(); }
  [[nodiscard]] constexpr frame_number frame() const noexcept {
    return static_cast<frame_number>((word_ >> 12) & 0xffff'ffffU);
  }
  [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(word_ >> 44);
  }
  [[nodiscard]] constexpr protection allowed() const noexcept {
    return protection::from_bits(static_cast<std::uint8_t>(word_ & 7));
  }
  [[nodiscard]] constexpr pte with(protection allowed) const noexcept {
    return pte{(word_ & ~std::uint64_t{7}) | allowed.bits()};
  }

  friend constexpr bool operator==(pte, pte) noexcept = default;

 private:
  static constexpr std::uint64_t guard_bit = 8;

  std::uint64_t word_ = 0;
};

}  // namespace rcuvm::vm
