// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where threads wait for each other and hand their regions on.

#include <cstddef>
#include <vector>

#include "rcuvm/base/range.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::workload {

/// Each of `members` threads brings a range and takes that of the one after it. When one of them leaves for good, nobody waits
/// any more.
class meeting {
 public:
  explicit meeting(std::size_t members) : brought_(members), taken_(members) {}

  /// False: somebody has left, and nothing was exchanged.
  [[nodiscard]] bool exchange(std::size_t self, range& mine) {
    sync::mutex_guard held{lock_};
    if (is_over_) return false;
    brought_[self] = mine;
    const std::size_t round = rounds_;
    if (++present_ == brought_.size()) {
      present_ = 0;
      ++rounds_;
      taken_ = brought_;
      all_here_.notify_all();
    }
    while (rounds_ == round && !is_over_) all_here_.wait(held);
    if (rounds_ == round) return false;
    mine = taken_[(self + 1) % taken_.size()];
    return true;
  }
  void leave() {
    sync::mutex_guard held{lock_};
    is_over_ = true;
    all_here_.notify_all();
  }

 private:
  sync::mutex lock_;
  sync::condition all_here_;
  std::vector<range> brought_;  ///< guard: lock_
  std::vector<range> taken_;    ///< guard: lock_; of the last round
  std::size_t present_ = 0;     ///< guard: lock_
  std::size_t rounds_ = 0;      ///< guard: lock_
  bool is_over_ = false;        ///< guard: lock_
};

}  // namespace rcuvm::workload
