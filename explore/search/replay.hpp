// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One given schedule.

#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explore/search/search.hpp"

namespace rcuvm::explore {

/// Follows a list of decisions, then the default. Tolerant: a decision that cannot be followed is left out; else it is an error.
class replay final : public search {
 public:
  enum class how { exact, tolerant };

  replay(std::vector<int> decisions, how follow) : decisions_{std::move(decisions)}, follow_{follow} {}

  void begin_run() override { at_ = 0; }
  int pick(const moment& m) override {
    if (is_one(m.enabled)) return std::countr_zero(m.enabled);
    while (at_ != decisions_.size()) {
      const int wanted = decisions_[at_++];
      if (has(m.enabled, wanted)) return wanted;
      if (follow_ == how::exact) return lost;
    }
    return default_pick(m);
  }
  int choose(int count) override {
    if (at_ == decisions_.size()) return 0;
    const int wanted = decision_of_choice(decisions_[at_]);
    if (wanted >= 0 && wanted < count) {
      ++at_;
      return wanted;
    }
    return follow_ == how::exact ? lost : 0;
  }
  bool end_run() override { return false; }

 private:
  std::vector<int> decisions_;
  how follow_;
  std::size_t at_ = 0;
};

/// "b14c3(1)b": thread b decides 14 times to run, c three times, a waiter is chosen, ...; main is a.
[[nodiscard]] std::string to_text(const std::vector<int>& decisions);
/// Nothing: no such text.
[[nodiscard]] std::optional<std::vector<int>> parse_schedule(std::string_view text);

}  // namespace rcuvm::explore
