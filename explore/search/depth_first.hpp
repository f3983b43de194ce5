// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All schedules with few preemptions.

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "explore/engine/arena.hpp"
#include "explore/search/search.hpp"

namespace rcuvm::explore {

/// Depth-first, with 0 preemptions, then 1, ... up to the bound: what it finds first has the fewest. A preemption is a switch
/// away from a thread that could go on. Steps that conflict with nothing are no places to switch at.
///
///   which steps conflict   is learned: two threads touch an object in one run, one of them writes. Only before such a step is a
///                          switch worth anything, since all others commute. Who learns of a new one starts again; so in the
///                          end no run was left out that could differ.
///
/// Source: Musuvathi and Qadeer, Iterative Context Bounding, PLDI 2007.
class depth_first final : public search {
 public:
  explicit depth_first(int bound)
      : last_bound_{bound}, touched_(arena::size / 4), conflicting_(arena::size / 4) {}

  void begin_run() override {
    ++run_;
    depth_ = 0;
    preemptions_ = 0;
  }

  int pick(const moment& m) override {
    const int chosen = decide(m);
    if (chosen >= 0) learn(m.next[static_cast<unsigned>(chosen)], chosen);
    return chosen;
  }

  int choose(int count) override {
    if (depth_ == path_.size()) path_.push_back({.chosen = 0, .choices = count});
    const node& here = path_[depth_++];
    return here.choices == count ? here.chosen : lost;
  }

  bool end_run() override {
    if (std::exchange(has_learned_, false)) {
      path_.clear();
      return true;
    }
    while (!path_.empty()) {
      node& last = path_.back();
      if (last.choices != 0) {
        if (++last.chosen < last.choices) return true;
      } else if (last.preemptions < bound_ || !last.default_is_current) {
        const thread_set left = last.options & ~last.tried;
        if (left != 0) {
          last.chosen = std::countr_zero(left);
          last.tried |= only(last.chosen);
          return true;
        }
      }
      path_.pop_back();
    }
    return ++bound_ <= last_bound_;
  }

  [[nodiscard]] bool is_exhaustive() const override { return true; }

 private:
  int decide(const moment& m) {
    const bool can_go_on = has(m.enabled, m.current);
    if (is_one(m.enabled)) return std::countr_zero(m.enabled);
    if (can_go_on && commutes(m.next[static_cast<unsigned>(m.current)])) return m.current;
    if (depth_ == path_.size()) {
      const int first = default_pick(m);
      path_.push_back({.options = m.enabled,
                       .tried = only(first),
                       .chosen = first,
                       .default_is_current = can_go_on,
                       .preemptions = preemptions_});
    }
    const node& here = path_[depth_++];
    if (here.options != m.enabled) return lost;
    if (can_go_on && here.chosen != m.current) ++preemptions_;
    return here.chosen;
  }

  [[nodiscard]] bool commutes(const step& next) const noexcept {
    if (next.how == conflict::none) return true;
    return next.what != operation::free && conflicting_[next.where.first / 4] == 0;
  }

  void learn(const step& taken, int by) noexcept {
    if (taken.how == conflict::none) return;
    if (taken.what == operation::free) {
      for (std::uint32_t at = taken.where.first / 4; at * 4 < taken.where.end; ++at) {
        if (touched_[at].run == run_ && touched_[at].by != only(by)) mark(at);
      }
      return;
    }
    access_record& it = touched_[taken.where.first / 4];
    if (it.run != run_) it = {.run = run_, .by = 0, .is_written = false};
    it.by |= only(by);
    it.is_written |= taken.how != conflict::reads;
    if (it.is_written && !is_one(it.by)) mark(taken.where.first / 4);
  }

  void mark(std::uint32_t granule) noexcept {
    if (conflicting_[granule] != 0) return;
    conflicting_[granule] = 1;
    has_learned_ = true;
  }

  struct access_record {
    std::uint32_t run = 0;
    thread_set by = 0;
    bool is_written = false;
  };
  struct node {
    thread_set options = 0;
    thread_set tried = 0;
    int chosen = 0;
    bool default_is_current = false;  ///< then another choice is a preemption
    int preemptions = 0;              ///< before this node
    int choices = 0;                  ///< not 0: a choose()
  };

  const int last_bound_;
  std::vector<access_record> touched_;     ///< by offset / 4
  std::vector<std::uint8_t> conflicting_;  ///< the same
  bool has_learned_ = false;
  std::uint32_t run_ = 0;
  int bound_ = 0;
  std::vector<node> path_;
  std::size_t depth_ = 0;
  int preemptions_ = 0;
};

}  // namespace rcuvm::explore
