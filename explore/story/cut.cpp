// SPDX-License-Identifier: Apache-2.0
#include "explore/story/cut.hpp"

#include <algorithm>

namespace rcuvm::explore {

namespace {

bool continues(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

/// Where the character number `count` begins.
std::size_t byte_of(std::string_view text, std::size_t count) noexcept {
  for (std::size_t i = 0; i != text.size(); ++i) {
    if (!continues(text[i]) && count-- == 0) return i;
  }
  return text.size();
}

}  // namespace

std::size_t width_of(std::string_view text) noexcept {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues));
}

std::string cut(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string{text};
  return width == 0 ? "" : std::string{text.substr(0, byte_of(text, width - 1))} + "…";
}

std::string cut_front(std::string_view text, std::size_t width) {
  const std::size_t whole = width_of(text);
  if (whole <= width) return std::string{text};
  return width == 0 ? "" : "…" + std::string{text.substr(byte_of(text, whole - width + 1))};
}

std::string filled(std::string text, std::size_t width) {
  const std::size_t has = width_of(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

}  // namespace rcuvm::explore
