// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which entries of a page table are not empty: in one line what else takes a look at sixty-four.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace rcuvm::vm {

/// A set of numbers below Count. Guard: the owner's.
template <unsigned Count>
class entry_set {
 public:
  void insert(unsigned index) noexcept { words_[index / 64] |= bit(index); }
  void erase(unsigned index) noexcept { words_[index / 64] &= ~bit(index); }

  [[nodiscard]] bool is_empty() const noexcept {
    return std::ranges::all_of(words_, [](std::uint64_t each) { return each == 0; });
  }

  /// Calls f(index) for each in [first, end), upwards.
  template <class F>
  void for_each(unsigned first, unsigned end, F f) const {
    for (unsigned word = first / 64; word * 64 < end; ++word) for_each_in(word, first, end, f);
  }

  /// Erases those in [first, end) for which goes(index), upwards.
  template <class Goes>
  void erase_if(unsigned first, unsigned end, Goes goes) {
    for (unsigned word = first / 64; word * 64 < end; ++word) {
      std::uint64_t gone = 0;
      for_each_in(word, first, end, [&](unsigned index) {
        if (goes(index)) gone |= bit(index);
      });
      words_[word] &= ~gone;
    }
  }

 private:
  [[nodiscard]] static constexpr std::uint64_t bit(unsigned index) noexcept {
    return std::uint64_t{1} << (index % 64);
  }

  template <class F>
  void for_each_in(unsigned word, unsigned first, unsigned end, F&& f) const {
    std::uint64_t bits = words_[word];
    if (first / 64 == word) bits &= ~(bit(first) - 1);
    if (end / 64 == word) bits &= bit(end) - 1;
    for (; bits != 0; bits &= bits - 1) f(word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
  }

  std::array<std::uint64_t, (Count + 63) / 64> words_{};
};

}  // namespace rcuvm::vm
