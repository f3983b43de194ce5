// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which cpu most batches come from.

#include <cstdint>
#include <optional>

namespace rcuvm::reclaim::detail {

/// Votes are counted as they come, none is kept.
/// Source   Boyer and Moore, MJRTY, 1981: a vote for another takes one from the leader, who changes when none is left. Whoever
///          leads was voted for as often as it leads by, and perhaps more often.
class majority {
 public:
  void vote_for(unsigned cpu) noexcept {
    ++votes_;
    if (lead_ == 0) leader_ = cpu;
    if (cpu == leader_) {
      ++lead_;
    } else {
      --lead_;
    }
  }
  /// One that more than half of the votes are for, for sure: where it leads by half of all. None: there may be one all the same.
  [[nodiscard]] std::optional<unsigned> winner() const noexcept {
    if (2 * lead_ <= votes_) return std::nullopt;
    return leader_;
  }

 private:
  unsigned leader_ = 0;
  std::uint64_t lead_ = 0;
  std::uint64_t votes_ = 0;
};

}  // namespace rcuvm::reclaim::detail
