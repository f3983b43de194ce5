// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/format.hpp"

#include <array>
#include <charconv>
#include <cstddef>

#include "proc_maps/layout.hpp"

namespace rcuvm::proc_maps {
namespace {

void append_number(std::string& text, std::uint64_t value, int base, std::size_t at_least) {
  std::array<char, 20> digits;  // 2^64 has 20 decimal digits
  const auto [end, failure] = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
  const auto length = static_cast<std::size_t>(end - digits.data());
  if (length < at_least) text.append(at_least - length, '0');
  text.append(digits.data(), length);
}

void append_name(std::string& text, std::string_view name) {
  for (const char byte : name) {
    if (byte == '\n') {
      text += escaped_newline;
    } else {
      text += byte;
    }
  }
}

}  // namespace

void append_line(std::string& text, const entry& one) {
  const std::size_t line_start = text.size();
  append_number(text, one.where.start, 16, 8);
  text += '-';
  append_number(text, one.where.end, 16, 8);
  text += ' ';
  text += one.allowed.has(permission::read) ? 'r' : '-';
  text += one.allowed.has(permission::write) ? 'w' : '-';
  text += one.allowed.has(permission::execute) ? 'x' : '-';
  text += one.allowed.has(permission::shared) ? 's' : 'p';
  text += ' ';
  append_number(text, one.offset, 16, 8);
  text += ' ';
  append_number(text, one.device_major, 16, 2);
  text += ':';
  append_number(text, one.device_minor, 16, 2);
  text += ' ';
  append_number(text, one.inode, 10, 1);
  text += ' ';
  if (!one.name.empty()) {
    const std::size_t fields = text.size() - line_start;
    text.append(fields < name_column ? name_column - fields : 1, ' ');
    append_name(text, one.name);
  }
  text += '\n';
}

std::string format_line(const entry& one) {
  std::string text;
  append_line(text, one);
  text.pop_back();
  return text;
}

std::string format(std::span<const entry> entries) {
  std::string text;
  text.reserve(entries.size() * 100);
  for (const entry& one : entries) append_line(text, one);
  return text;
}

}  // namespace rcuvm::proc_maps
