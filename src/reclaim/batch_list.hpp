// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Batches in limbo, chained through themselves.

#include <boost/intrusive/slist.hpp>
#include <cstdint>

#include "rcuvm/reclaim/retire.hpp"

namespace rcuvm::reclaim::detail {

/// A list of batches that gives them back in ticket order. Allocates nothing. Not thread-safe.
class batch_list {
 public:
  [[nodiscard]] bool is_empty() const noexcept { return batches_.empty(); }

  /// Cost: constant. Batches come nearly in ticket order; that they did not is noted for sort().
  void add(retire_block* batch) noexcept {
    if (!batches_.empty() && batch->ticket < batches_.back().ticket) is_sorted_ = false;
    batches_.push_back(*batch);
  }

  /// The batch with the smallest ticket. Not when empty.
  [[nodiscard]] retire_block& front() noexcept {
    sort();
    return batches_.front();
  }

  retire_block* take_front() noexcept {
    retire_block& batch = front();
    batches_.pop_front();
    return &batch;
  }

  /// Takes the batches `next`, `next + 1`, ... up to the first that has not arrived yet.
  [[nodiscard]] batch_list take_run(std::uint64_t next) noexcept {
    batch_list run;
    while (!is_empty() && front().ticket == next) {
      run.add(take_front());
      ++next;
    }
    return run;
  }

 private:
  struct traits {
    using node = retire_block;
    using node_ptr = retire_block*;
    using const_node_ptr = const retire_block*;
    static node_ptr get_next(const_node_ptr at) noexcept { return at->next_batch; }
    static void set_next(node_ptr at, node_ptr next) noexcept { at->next_batch = next; }
  };
  struct values {
    using node_traits = traits;
    using node_ptr = traits::node_ptr;
    using const_node_ptr = traits::const_node_ptr;
    using value_type = retire_block;
    using pointer = retire_block*;
    using const_pointer = const retire_block*;
    static constexpr boost::intrusive::link_mode_type link_mode = boost::intrusive::normal_link;
    static node_ptr to_node_ptr(value_type& value) noexcept { return &value; }
    static const_node_ptr to_node_ptr(const value_type& value) noexcept { return &value; }
    static pointer to_value_ptr(node_ptr at) noexcept { return at; }
    static const_pointer to_value_ptr(const_node_ptr at) noexcept { return at; }
  };
  using list = boost::intrusive::slist<retire_block, boost::intrusive::value_traits<values>,
                                       boost::intrusive::linear<true>, boost::intrusive::cache_last<true>,
                                       boost::intrusive::constant_time_size<false>>;

  void sort() noexcept {
    if (is_sorted_) return;
    batches_.sort([](const retire_block& a, const retire_block& b) { return a.ticket < b.ticket; });
    is_sorted_ = true;
  }

  list batches_;
  bool is_sorted_ = true;
};

}  // namespace rcuvm::reclaim::detail
