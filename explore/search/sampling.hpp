// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Searches that throw dice: no proof, but they reach where exhaustive ones do not.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "explore/search/search.hpp"

namespace rcuvm::explore {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). The same on every machine, which std's distributions are not.
class dice {
 public:
  explicit dice(std::uint64_t seed) noexcept : state_{seed} {}
  [[nodiscard]] std::uint64_t next() noexcept {
    std::uint64_t mixed = (state_ += 0x9e37'79b9'7f4a'7c15U);
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58'476d'1ce4'e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d0'49bb'1331'11ebU;
    return mixed ^ (mixed >> 31U);
  }
  /// Of [0, count).
  [[nodiscard]] int below(int count) noexcept {
    return static_cast<int>(((next() >> 32U) * static_cast<std::uint64_t>(count)) >> 32U);
  }

 private:
  std::uint64_t state_;
};

/// Every enabled thread alike, at every step.
class uniform final : public search {
 public:
  explicit uniform(std::uint64_t seed) : dice_{seed} {}
  void begin_run() override {}
  int pick(const moment& m) override {
    thread_set left = m.enabled;
    if (is_one(left)) return std::countr_zero(left);
    for (int skip = dice_.below(count_of(left)); skip > 0; --skip) left &= left - 1;
    return std::countr_zero(left);
  }
  int choose(int count) override { return dice_.below(count); }
  bool end_run() override { return true; }

 private:
  dice dice_;
};

/// Random priorities that change at depth-1 random steps: a bug that needs `depth` orderings among n threads and k steps is found by a
/// run with a probability of at least 1 / (n k^(depth-1)). Source: Burckhardt et al., PCT, ASPLOS 2010.
class priorities final : public search {
 public:
  priorities(std::uint64_t seed, int depth)
      : dice_{seed}, changes_(static_cast<std::size_t>(std::max(0, depth - 1))) {}

  void begin_run() override {
    longest_ = std::max(longest_, steps_);
    steps_ = 0;
    lowest_ = 0;
    for (int i = 0; i != max_threads; ++i) priority_[static_cast<unsigned>(i)] = i + 1;
    for (int i = max_threads - 1; i > 0; --i) {
      std::swap(priority_[static_cast<unsigned>(i)], priority_[static_cast<unsigned>(dice_.below(i + 1))]);
    }
    for (int& each : changes_) each = dice_.below(std::max(longest_, 1));
  }
  int pick(const moment& m) override {
    ++steps_;
    if (m.current >= 0) {
      int& mine = priority_[static_cast<unsigned>(m.current)];
      if (std::ranges::find(changes_, steps_) != changes_.end()) mine = --lowest_;
      // Who spins lets the others go first, or it might spin for ever.
      if (m.next[static_cast<unsigned>(m.current)].what == operation::yield) mine = --lowest_;
    }
    int best = -1;
    for (thread_set left = m.enabled; left != 0; left &= left - 1) {
      const int each = std::countr_zero(left);
      if (best < 0 || priority_[static_cast<unsigned>(each)] > priority_[static_cast<unsigned>(best)])
        best = each;
    }
    return best;
  }
  int choose(int count) override { return dice_.below(count); }
  bool end_run() override { return true; }

 private:
  dice dice_;
  std::vector<int> changes_;
  std::array<int, max_threads> priority_{};
  int steps_ = 0;
  int longest_ = 60;
  int lowest_ = 0;
};

}  // namespace rcuvm::explore
