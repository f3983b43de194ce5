// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All schedules with few preemptions.

#include <bit>
#include <vector>

#include "explore/search/search.hpp"

namespace rcuvm::explore {

/// Depth-first, with 0 preemptions, then 1, ... up to the bound: what it finds first has the fewest. A preemption is a switch
/// away from a thread that could go on. Steps that conflict with nothing are no places to switch at.
/// Source: Musuvathi and Qadeer, Iterative Context Bounding, PLDI 2007.
class depth_first final : public search {
 public:
  explicit depth_first(int bound) : last_bound_{bound} {}

  void begin_run() override {
    depth_ = 0;
    preemptions_ = 0;
  }

  int pick(const moment& m) override {
    const bool can_go_on = has(m.enabled, m.current);
    if (std::has_single_bit(m.enabled)) return std::countr_zero(m.enabled);
    if (can_go_on && m.next[static_cast<unsigned>(m.current)].how == conflict::none) return m.current;
    if (depth_ == path_.size()) {
      const int first = default_pick(m);
      path_.push_back({.options = m.enabled, .tried = only(first), .chosen = first, .default_is_current = can_go_on,
                       .preemptions = preemptions_});
    }
    const node& here = path_[depth_++];
    if (here.options != m.enabled) return lost;
    if (can_go_on && here.chosen != m.current) ++preemptions_;
    return here.chosen;
  }

  int choose(int count) override {
    if (depth_ == path_.size()) path_.push_back({.chosen = 0, .choices = count});
    const node& here = path_[depth_++];
    return here.choices == count ? here.chosen : lost;
  }

  bool end_run() override {
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
  struct node {
    thread_set options = 0;
    thread_set tried = 0;
    int chosen = 0;
    bool default_is_current = false;  ///< then another choice is a preemption
    int preemptions = 0;              ///< before this node
    int choices = 0;                  ///< not 0: a choose()
  };

  const int last_bound_;
  int bound_ = 0;
  std::vector<node> path_;
  std::size_t depth_ = 0;
  int preemptions_ = 0;
};

}  // namespace rcuvm::explore
