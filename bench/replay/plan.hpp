// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A recording laid out for real threads.
///
/// Each recorded task belongs to one worker; the tasks with the most steps are dealt out first, each to the worker
/// with the fewest steps so far. A worker runs its steps in recorded order, and before some of them waits until
/// another worker has passed a certain step (order.hpp says which). The plan depends on the recording and on the
/// number of workers alone, so every design runs the same one.

#include <cstdint>
#include <span>
#include <vector>

#include "bench/replay/order.hpp"
#include "bench/replay/step.hpp"

namespace rcuvm::replay {

struct planned_step {
  std::uint32_t step = 0;        ///< index into script::steps
  std::uint32_t first_wait = 0;  ///< into plan::waits
  std::uint32_t wait_count = 0;
};

struct plan {
  const script* of = nullptr;  ///< must outlive the plan
  std::vector<std::vector<planned_step>> workers;
  std::vector<position> waits;

  [[nodiscard]] std::span<const position> waits_of(const planned_step& one) const {
    return std::span{waits}.subspan(one.first_wait, one.wait_count);
  }
};

/// Throws std::length_error when the recording has 2^32 steps or more.
[[nodiscard]] plan lay_out(const script& of, std::uint32_t workers);

}  // namespace rcuvm::replay
