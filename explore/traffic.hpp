// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How much of what an operation writes is shared with other threads: what decides beyond two cores.

#include <string>
#include <string_view>
#include <vector>

#include "explore/engine/trace.hpp"

namespace rcuvm::explore {

/// Writes of one thread to cache lines that another one touches in the same run.
struct shared_writes {
  double stores = 0;   ///< atomic and plain
  double updates = 0;  ///< atomic read-modify-writes; locks taken and let go of, queues used
};

/// In the concurrent part of a run. A line is 64 bytes. Allocations and frees are no accesses. Throws std::runtime_error when there
/// is no such thread.
[[nodiscard]] shared_writes count_shared_writes(const trace& of, std::string_view thread);

struct traffic {
  std::string design;
  std::string_view what;  ///< the operation
  shared_writes each;     ///< of one operation
};

/// Every operation under every design, one run after the other without preemption: what nobody has to wait or retry for. What
/// does not grow with the number of operations is left out.
[[nodiscard]] std::vector<traffic> measure_traffic();

}  // namespace rcuvm::explore
