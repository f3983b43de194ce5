// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/diff.hpp"

#include <cstdint>
#include <vector>

#include "proc_maps/format.hpp"

namespace rcuvm::proc_maps {
namespace {

struct step {
  char mark;  // ' ', '-' or '+'
  const entry* line;
};

std::vector<step> pair_by_address(std::span<const entry> expected, std::span<const entry> actual) {
  std::vector<step> steps;
  std::size_t left = 0;
  std::size_t right = 0;
  while (left < expected.size() || right < actual.size()) {
    const bool has_left = left < expected.size();
    const bool has_right = right < actual.size();
    if (has_left && has_right && expected[left] == actual[right]) {
      steps.push_back({' ', &expected[left]});
      ++left;
      ++right;
    } else if (!has_right || (has_left && expected[left].where.start <= actual[right].where.start)) {
      steps.push_back({'-', &expected[left++]});
    } else {
      steps.push_back({'+', &actual[right++]});
    }
  }
  return steps;
}

/// Which steps are shown: differences and `context` lines around each.
std::vector<bool> choose_shown(const std::vector<step>& steps, std::size_t context) {
  std::vector<bool> shown(steps.size(), false);
  for (std::size_t at = 0; at < steps.size(); ++at) {
    if (steps[at].mark == ' ') continue;
    const std::size_t from = at > context ? at - context : 0;
    for (std::size_t near = from; near < steps.size() && near <= at + context; ++near) shown[near] = true;
  }
  return shown;
}

}  // namespace

std::string diff(std::span<const entry> expected, std::span<const entry> actual, diff_limits limits) {
  const std::vector<step> steps = pair_by_address(expected, actual);
  const std::vector<bool> shown = choose_shown(steps, limits.context);
  std::string text;
  std::size_t printed = 0;
  std::size_t held_back = 0;
  bool in_gap = false;
  for (std::size_t at = 0; at < steps.size(); ++at) {
    if (!shown[at]) {
      in_gap = true;
      continue;
    }
    if (printed == limits.lines) {
      held_back += steps[at].mark == ' ' ? 0u : 1u;
      continue;
    }
    if (in_gap && printed > 0) text += "...\n";
    in_gap = false;
    text += steps[at].mark;
    append_line(text, *steps[at].line);
    ++printed;
  }
  if (held_back > 0) text += "and " + std::to_string(held_back) + " more differing lines\n";
  return text;
}

}  // namespace rcuvm::proc_maps
