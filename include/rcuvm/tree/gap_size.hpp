// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The size of a gap, rounded up to 11 significant bits, in 16.
///
/// What a gap search asks of a subtree is whether it is worth a visit. A size that is too large by less than
/// 0.1 % costs a visit in vain now and then, never a wrong answer; and an inner node holds twice as many
/// children in its lines as with exact sizes. Exact up to 2048 units, whatever the unit.
///
///   exponent (6) | fraction (10)    as a floating-point number without sign: codes rise with what they stand for

#include <bit>
#include <compare>
#include <cstdint>

namespace rcuvm::tree {

class gap_size {
 public:
  gap_size() = default;

  [[nodiscard]] static constexpr gap_size round_up(std::uint64_t keys) noexcept {
    const unsigned width = static_cast<unsigned>(std::bit_width(keys));
    if (width <= fraction_bits + 1) return gap_size{static_cast<std::uint16_t>(keys)};
    const unsigned shift = width - (fraction_bits + 1);
    const std::uint64_t significant =
        ((keys - 1) >> shift) + 1;  // may be one bit longer: then all others are 0
    return gap_size{static_cast<std::uint16_t>((std::uint64_t{shift} << fraction_bits) + significant)};
  }

  /// The largest size that is rounded to this.
  [[nodiscard]] constexpr std::uint64_t keys() const noexcept {
    const unsigned exponent = code_ >> fraction_bits;
    if (exponent < 2) return code_;
    const std::uint64_t significant = (code_ & ((1U << fraction_bits) - 1)) | (1U << fraction_bits);
    const unsigned shift = exponent - 1;
    const bool is_beyond = shift > 64 - (fraction_bits + 1);
    return is_beyond ? ~std::uint64_t{0} : significant << shift;
  }

  [[nodiscard]] constexpr std::uint16_t code() const noexcept { return code_; }

  /// The largest of `sizes`, the one at `left_out` not counted. Written so that it becomes vector code.
  template <unsigned Count>
  [[nodiscard]] static constexpr gap_size largest(const gap_size (&sizes)[Count],
                                                  unsigned left_out = Count) noexcept {
    std::uint16_t code = 0;
    for (std::uint16_t i = 0; i < Count; ++i) {
      const auto counted = static_cast<std::uint16_t>((i == static_cast<std::uint16_t>(left_out)) - 1);
      const auto candidate = static_cast<std::uint16_t>(sizes[i].code_ & counted);
      code = candidate > code ? candidate : code;
    }
    return gap_size{code};
  }

  friend constexpr bool operator==(gap_size, gap_size) noexcept = default;
  friend constexpr auto operator<=>(gap_size, gap_size) noexcept = default;

 private:
  static constexpr unsigned fraction_bits = 10;

  explicit constexpr gap_size(std::uint16_t code) noexcept : code_{code} {}

  std::uint16_t code_;
};

}  // namespace rcuvm::tree
