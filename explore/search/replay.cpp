// SPDX-License-Identifier: Apache-2.0
#include "explore/search/replay.hpp"

#include <charconv>

namespace rcuvm::explore {

std::string to_text(const std::vector<int>& decisions) {
  std::string text;
  for (std::size_t i = 0; i != decisions.size();) {
    if (decisions[i] < 0) {
      text += '(' + std::to_string(decision_of_choice(decisions[i++])) + ')';
      continue;
    }
    std::size_t end = i;
    while (end != decisions.size() && decisions[end] == decisions[i]) ++end;
    text += static_cast<char>('a' + decisions[i]);
    if (end - i > 1) text += std::to_string(end - i);
    i = end;
  }
  return text;
}

std::optional<std::vector<int>> parse_schedule(std::string_view text) {
  std::vector<int> decisions;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto read_number = [&](int& into) {
    const auto [next, failed] = std::from_chars(at, end, into);
    if (failed != std::errc{} || into < 0 || into > 1'000'000) return false;
    at = next;
    return true;
  };
  while (at != end) {
    const char letter = *at++;
    int number = 1;
    if (letter == '(') {
      if (!read_number(number) || at == end || *at++ != ')') return std::nullopt;
      decisions.push_back(decision_of_choice(number));
      continue;
    }
    if (letter < 'a' || letter >= 'a' + max_threads) return std::nullopt;
    if (at != end && *at >= '0' && *at <= '9' && !read_number(number)) return std::nullopt;
    decisions.insert(decisions.end(), static_cast<std::size_t>(number), letter - 'a');
  }
  return decisions;
}

}  // namespace rcuvm::explore
