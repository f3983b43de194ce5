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
  bool is_shared = false;  ///< a lock for readers
  std::uint32_t stack = 0;
};

/// A load or store that the compiler made: no step, but what a race or a free is about.
struct plain_touch {
  int thread = 0;
  bool is_write = false;
  span_of_bytes where;
  std::uint32_t stack = 0;
  std::uint32_t steps_before = 0;  ///< how many steps of the trace came before
};

/// A lock taken while another one is held.
struct lock_order {
  std::uint32_t held = 0;  ///< offsets
  std::uint32_t taken = 0;
  int thread = 0;
  std::uint32_t stack = 0;  ///< of the taking
};

struct trace {
  std::vector<std::string> names;  ///< of the threads
  std::vector<traced_step> steps;
  std::vector<call_stack> stacks{1};  ///< [0] is empty
  std::vector<plain_touch> plain;     ///< outside the quiet part; no atomic words
  std::vector<traced_step> next;      ///< of each thread, what it waits to do; no stack: it has done it
  std::vector<arena::object> objects;
  std::vector<lock_order> cycle;  ///< of a finding of lock_order: each holds what the one before takes
  int last_thread = 0;            ///< who ran when the run ended
  std::uint32_t last_stack = 0;   ///< where the run ended
};

}  // namespace rcuvm::explore
