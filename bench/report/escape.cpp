// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "bench/report/html.hpp"

namespace rcuvm::report {

namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 when it begins with none. RFC 3629, section 4.
std::size_t character_length(std::string_view text) {
  const auto byte_at = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte_at(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t least = 0x80;
  std::uint8_t most = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) least = 0xa0;
    if (first == 0xed) most = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) least = 0x90;
    if (first == 0xf4) most = 0x8f;
  } else {
    return 0;
  }
  if (text.size() < length || byte_at(1) < least || byte_at(1) > most) return 0;
  for (std::size_t at = 2; at < length; ++at) {
    if (byte_at(at) < 0x80 || byte_at(at) > 0xbf) return 0;
  }
  return length;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) {
      made += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    switch (text.front()) {
      case '&': made += "&amp;"; break;
      case '<': made += "&lt;"; break;
      case '>': made += "&gt;"; break;
      case '"': made += "&quot;"; break;
      case '\'': made += "&#39;"; break;
      default: {
        const auto byte = static_cast<std::uint8_t>(text.front());
        const bool is_control = byte < 0x20 && text.front() != '\n' && text.front() != '\t';
        made += is_control || byte == 0x7f ? std::string_view{"\xef\xbf\xbd"} : text.substr(0, length);
      }
    }
    text.remove_prefix(length);
  }
  return made;
}

}  // namespace rcuvm::report
