// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The recorded order, kept only where it matters.
///
/// Events come in recorded order, each with the worker that will run it and the ranges that it reads or
/// changes. Each gets the events of other workers that must be over before it may start, as few as will do:
///
///   worker 0   map A ──────────► fault A0      fault A1            unmap A
///                    └────┐                                     ▲
///   worker 1              └► fault A7   fault A8   fault A9 ────┘      one wait each way, not one per fault
///
/// Rule: two events of one space that overlap, at least one of them a change, keep their order. Everything
/// else may run in any order. An event waits only for earlier ones, so the recorded order is itself a legal
/// execution, and no set of workers can wait in a circle.

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "rcuvm/base/range.hpp"

namespace rcuvm::replay {

/// The index-th event (from 0) of a worker.
struct position {
  std::uint32_t worker = 0;
  std::uint32_t index = 0;

  friend constexpr auto operator<=>(position, position) noexcept = default;
};

/// What an event does to a range of one address space.
struct touch {
  enum class kind : std::uint8_t { reads, changes };

  std::uint32_t space = 0;
  range where;
  kind what = kind::reads;
};

/// All that can be mapped, for events on a whole address space (fork, exit).
inline constexpr range whole_space{0, ~std::uint64_t{0}};

/// Thread-confined. Cost: a few map operations per event; memory: workers x events x 4 bytes.
class order {
 public:
  explicit order(std::uint32_t workers);

  /// Adds the next event in recorded order. `after` are further events that must be over before it (a task's
  /// first event after its creator's), `waits` receives what the worker must wait for, at most one per worker.
  position add(std::uint32_t worker, std::span<const touch> touches, std::span<const position> after,
               std::vector<position>& waits);

 private:
  using readers = boost::container::small_vector<position, 2>;  // the last per worker

  /// A range on which the same events count: the last change, and the reads since.
  struct segment {
    std::uint64_t end = 0;
    bool is_changed = false;
    position changed;
    readers reads;
  };
  using space_order = std::map<std::uint64_t, segment>;  // by start; tiles whole_space

  static space_order::iterator split(space_order& space, std::uint64_t at);
  void touch_range(const touch& one, position self);
  void need(position earlier);
  void choose_waits(std::uint32_t worker, std::vector<position>& waits);

  [[nodiscard]] std::span<std::uint32_t> clock_of(position at);

  std::uint32_t workers_;
  std::map<std::uint32_t, space_order> spaces_;
  std::vector<std::uint32_t> needed_;  // per worker: events that must be over (a count), 0 = none
  std::vector<std::vector<std::uint32_t>> clocks_;  // per worker: one row of workers_ counts per event
};

}  // namespace rcuvm::replay
