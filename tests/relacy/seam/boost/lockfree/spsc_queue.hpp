// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for Boost's ring, with its orderings (1.74, spsc_queue.hpp: ringbuffer_base) and two slots of plain data, so
/// that Relacy sees who owns a slot. In Boost the writer's index is read by the writer as an atomic; here the writers have
/// a plain copy of it beside, which only one of them may touch at a time: what the claim of a lane has to bring about.

#include <cstddef>

#include "rcuvm/sync/atomic.hpp"
#include "tests/relacy/seam/engine.hpp"

namespace boost::lockfree {

template <std::size_t>
struct capacity {};

template <class T, class Capacity>
class spsc_queue {
 public:
  spsc_queue() {
    write_copy_.write(0);
    read_copy_.write(0);
  }

  bool push(T value) {
    const std::size_t at = write_copy_.read();
    if (at - reads_.load_acquire() == slots) return false;  // ring.R1 <- ring.W1
    slot_[at % slots].write(value);
    write_copy_.write(at + 1);
    writes_.store_release(at + 1);  // lanes.W2 -> lanes.R2
    return true;
  }

  template <class Take>
  std::size_t consume_all(Take take) {
    std::size_t taken = 0;
    std::size_t at = read_copy_.read();
    const std::size_t end = writes_.load_acquire();  // lanes.R2 <- lanes.W2
    for (; at != end; ++at, ++taken) {
      T value = slot_[at % slots].read();
      read_copy_.write(at + 1);
      reads_.store_release(at + 1);  // ring.W1 -> ring.R1
      take(value);
    }
    return taken;
  }

 private:
  static constexpr std::size_t slots = 2;

  rcuvm::relacy::plain<T> slot_[slots];
  rcuvm::relacy::plain<std::size_t> write_copy_;
  rcuvm::relacy::plain<std::size_t> read_copy_;
  rcuvm::sync::atomic<std::size_t> writes_;
  rcuvm::sync::atomic<std::size_t> reads_;
};

}  // namespace boost::lockfree
