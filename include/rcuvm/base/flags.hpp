// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A set of flags that cannot be mixed up with another set.

#include <initializer_list>
#include <type_traits>

namespace rcuvm {

/// Bits of one enum whose enumerators are single bits.
template <class Enum>
class flags {
 public:
  using bits_type = std::underlying_type_t<Enum>;

  constexpr flags() noexcept = default;
  constexpr flags(Enum one) noexcept
      : bits_{static_cast<bits_type>(one)} {}  // NOLINT: a flag is a set of one
  constexpr flags(std::initializer_list<Enum> some) noexcept {
    for (Enum one : some) bits_ |= static_cast<bits_type>(one);
  }
  [[nodiscard]] static constexpr flags from_bits(bits_type bits) noexcept {
    flags made;
    made.bits_ = bits;
    return made;
  }

  [[nodiscard]] constexpr bits_type bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr bool has(Enum one) const noexcept {
    return (bits_ & static_cast<bits_type>(one)) != 0;
  }
  [[nodiscard]] constexpr bool has_all(flags some) const noexcept {
    return (bits_ & some.bits_) == some.bits_;
  }
  [[nodiscard]] constexpr bool has_any(flags some) const noexcept { return (bits_ & some.bits_) != 0; }
  [[nodiscard]] constexpr bool is_empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr flags with(flags some) const noexcept { return from_bits(bits_ | some.bits_); }
  [[nodiscard]] constexpr flags without(flags some) const noexcept {
    return from_bits(static_cast<bits_type>(bits_ & ~some.bits_));
  }

  friend constexpr bool operator==(flags, flags) noexcept = default;

 private:
  bits_type bits_ = 0;
};

}  // namespace rcuvm
