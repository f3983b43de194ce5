// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a run has done, kept only when a story is to be told.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "explore/engine/arena.hpp"
#include "explore/engine/step.hpp"

namespace rcuvm::explore {

/// Return addresses, the innermost first; ends with null.
using call_stack = std::array<void*, 24>;

struct traced_step {
  int thread = 0;
  operation what = operation::start;
  order with = order::relaxed;
  span_of_bytes where;
  std::uint64_t value = 0;
  bool has_value = false;
  bool is_quiet = false;
  std::uint32_t stack = 0;
};

struct trace {
  std::vector<std::string> names;  ///< of the threads
  std::vector<traced_step> steps;
  std::vector<call_stack> stacks{1};  ///< [0] is empty
  std::vector<arena::object> objects;
  std::uint32_t last_stack = 0;  ///< where the run ended
};

}  // namespace rcuvm::explore
