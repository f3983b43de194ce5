// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Small random programs over the words, locks, read sections and objects of rcuvm::sync, to compare searches by.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rcuvm::explore {

enum class does : std::uint8_t {
  load,
  store,
  add,
  lock,
  try_lock,
  unlock,  ///< what was locked last; nothing: loads
  lock_shared,
  lock_exclusive,
  toggle_section,
  synchronize,
  read_object,
  read_object_in_section,
  replace_and_free_later,
  replace_and_free_now,
  wait,
  wait_a_while,
  notify_one,
  notify_all,
  yield_until_changed,
  count_under_lock,
};
struct instruction {
  does what;
  int on;  ///< which word, which mutex
};

using program = std::vector<std::vector<instruction>>;

/// A theme, something from outside of it, and few words, so that much of it conflicts.
[[nodiscard]] program random_program(std::uint64_t seed);
[[nodiscard]] std::string text_of(const program& of);

/// What each thread has seen. Outside the explored memory.
struct observations {
  std::array<std::array<char, 40>, 4> seen;
  std::array<int, 4> count;

  void clear() { count = {}; }
  void see(int thread, int value) {
    int& at = count[static_cast<unsigned>(thread)];
    seen[static_cast<unsigned>(thread)][static_cast<unsigned>(at++)] = static_cast<char>(value);
  }
  [[nodiscard]] std::string text() const {
    std::string made;
    for (unsigned thread = 0; thread != count.size(); ++thread) {
      for (int i = 0; i != count[thread]; ++i) {
        made += std::to_string(static_cast<int>(seen[thread][static_cast<unsigned>(i)])) + ",";
      }
      made += "|";
    }
    return made;
  }
};

/// The body of a run: its threads together.
void run_program(const program& of, observations& into);

}  // namespace rcuvm::explore
