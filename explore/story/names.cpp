// SPDX-License-Identifier: Apache-2.0
#include "explore/story/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace rcuvm::explore {

const arena::object* object_names::find(std::uint32_t offset) const {
  const auto after =
      std::ranges::upper_bound(objects_, offset, {}, [](const auto& one) { return one.where.first; });
  if (after == objects_.begin()) return nullptr;
  const arena::object& before = *std::prev(after);
  return offset < before.where.end ? &before : nullptr;
}

std::string object_names::name_of(std::uint32_t offset) {
  if (offset < place::first_offset) return {};
  const arena::object* const it = find(offset);
  if (it == nullptr) return fmt::format("[{:#x}]", offset);
  const auto [entry, is_new] = numbers_.try_emplace(it, mentioned_.size() + 1);
  if (is_new) mentioned_.push_back(it);
  const std::uint32_t inside = offset - it->where.first;
  return inside == 0 ? fmt::format("#{}", entry->second) : fmt::format("#{}+{}", entry->second, inside);
}

std::string object_names::value_text(std::uint64_t value) {
  constexpr std::uint64_t small = 1024;
  if (value < small) return fmt::format("{}", value);
  if (value > UINT64_MAX - small) return fmt::format("-{}", UINT64_MAX - value + 1);
  if (value - arena::base < arena::size) return name_of(static_cast<std::uint32_t>(value - arena::base));
  return fmt::format("{:#x}", value);
}

std::string object_names::translate(const std::string& text) {
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t offset = 0;
    if (text[at] == '#') {
      const char* const digits = text.data() + at + 1;
      const auto [end, failed] = std::from_chars(digits, text.data() + text.size(), offset, 16);
      if (failed == std::errc{} && offset >= place::first_offset) {
        made += name_of(offset);
        at = static_cast<std::size_t>(end - text.data());
        continue;
      }
    }
    made += text[at++];
  }
  return made;
}

}  // namespace rcuvm::explore
