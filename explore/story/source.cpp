// SPDX-License-Identifier: Apache-2.0
#include "explore/story/source.hpp"

#include <filesystem>
#include <fstream>

namespace rcuvm::explore {

namespace {

/// With a slash at the end; as the compiler was told, so that debug information begins alike.
std::string_view root() {
  constexpr std::string_view own = "explore/story/source.cpp";
  constexpr std::string_view here = __FILE__;
  static_assert(here.ends_with(own));
  return here.substr(0, here.size() - own.size());
}

std::string trimmed(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

std::string from_root(std::string_view path) {
  std::string normal = std::filesystem::path{path}.lexically_normal().string();
  if (normal.starts_with(root())) normal.erase(0, root().size());
  return normal;
}

std::string without_root(std::string text) {
  for (std::size_t at = 0; !root().empty() && (at = text.find(root(), at)) != std::string::npos;) {
    text.erase(at, root().size());
  }
  return text;
}

const std::string& source_tree::line(const std::string& file, int number) {
  static const std::string none;
  if (file.empty() || number < 1) return none;
  const auto [entry, is_new] = files_.try_emplace(file);
  std::vector<std::string>& lines = entry->second;
  if (is_new) {
    std::ifstream in{file.starts_with('/') ? file : std::string{root()} + file};
    for (std::string each; std::getline(in, each);) lines.push_back(trimmed(each));
  }
  return static_cast<std::size_t>(number) <= lines.size() ? lines[static_cast<std::size_t>(number) - 1]
                                                          : none;
}

}  // namespace rcuvm::explore
