// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A reading position in one line of bytes. No locale, no exceptions, no allocation: recordings hold hundreds of
/// thousands of lines, and names in them are bytes, not text.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rcuvm::proc_maps {

/// Each take_ either moves past what it found or leaves the position where it was.
class cursor {
 public:
  explicit cursor(std::string_view line) noexcept : line_{line} {}

  [[nodiscard]] bool is_at_end() const noexcept { return at_ == line_.size(); }
  [[nodiscard]] std::size_t column() const noexcept { return at_ + 1; }  ///< from 1
  [[nodiscard]] std::string_view rest() const noexcept { return line_.substr(at_); }

  [[nodiscard]] bool take(char wanted) noexcept {
    if (is_at_end() || line_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool take(std::string_view wanted) noexcept {
    if (!rest().starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  /// The next byte whatever it is; nothing at the end.
  [[nodiscard]] std::optional<char> take_any() noexcept {
    if (is_at_end()) return std::nullopt;
    return line_[at_++];
  }
  /// Spaces only: a tab may belong to a name.
  void skip_spaces() noexcept {
    while (!is_at_end() && line_[at_] == ' ') ++at_;
  }
  /// The bytes before `stop`, which is passed too; nothing when it does not come.
  [[nodiscard]] std::optional<std::string_view> take_until(char stop) noexcept {
    const std::size_t end = line_.find(stop, at_);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view taken = line_.substr(at_, end - at_);
    at_ = end + 1;
    return taken;
  }

  /// A number of at least `digits` hexadecimal digits that fits 64 bits.
  [[nodiscard]] std::optional<std::uint64_t> take_hex(std::size_t digits = 1) noexcept {
    return take_number<std::uint64_t>(16, digits);
  }
  template <class Integer = std::uint64_t>
  [[nodiscard]] std::optional<Integer> take_decimal() noexcept {
    return take_number<Integer>(10, 1);
  }

 private:
  template <class Integer>
  std::optional<Integer> take_number(int base, std::size_t digits) noexcept {
    Integer value = 0;
    const char* const from = line_.data() + at_;
    const auto [end, failure] = std::from_chars(from, line_.data() + line_.size(), value, base);
    const auto length = static_cast<std::size_t>(end - from);
    if (failure != std::errc{} || length < digits) return std::nullopt;
    at_ += length;
    return value;
  }

  std::string_view line_;
  std::size_t at_ = 0;
};

}  // namespace rcuvm::proc_maps
