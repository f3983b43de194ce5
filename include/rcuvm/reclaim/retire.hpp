// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a writer has unlinked and will hand to limbo in one piece.

#include <cstddef>
#include <cstdint>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::reclaim {

/// One dead object: unlinked, so that no new reader finds it, and still read by those that found it before.
struct retired {
  void* object;
  void (*free)(void* object) noexcept;
  std::uint32_t bytes;  ///< what counts against limits::bytes
};

namespace detail {

/// A piece of a retire_list. The first one of a list carries what limbo needs, so that handing over allocates nothing.
struct retire_block {
  retire_block* next_block = nullptr;
  std::uint32_t count = 0;
  std::uint32_t capacity = 0;

  // Of the first block of a list only.
  retire_block* last_block = nullptr;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;

  // Of a batch in limbo only.
  retire_block* next_batch = nullptr;
  std::uint64_t ticket = 0;
  std::uint64_t arrived_at_ns = 0;  ///< where the reclaimer sees it
  unsigned cpu = 0;                 ///< where it was retired

  [[nodiscard]] retired* items() noexcept { return reinterpret_cast<retired*>(this + 1); }
};

}  // namespace detail

/// Dead objects of one operation, in the order of their death. Belongs to one thread. Must be empty when it is
/// destroyed: limbo::retire or free_now takes its objects.
///
/// Only unlinked objects may be added, and not inside a read section: when the list cannot grow (no memory), add()
/// waits for a grace period and frees the object at once.
class retire_list {
 public:
  retire_list() noexcept = default;
  ~retire_list() { RCUVM_CHECK(is_empty(), "a retire_list dropped: hand it to limbo::retire, or free_now"); }
  retire_list(retire_list&& other) noexcept : first_{other.release()} {}
  retire_list& operator=(retire_list&& other) noexcept {
    RCUVM_CHECK(is_empty(), "a retire_list overwritten: hand it to limbo::retire, or free_now");
    first_ = other.release();
    return *this;
  }

  /// Never fails. Cost: a few ns, and an allocation for every 18th object (later for every 168th).
  void add(retired dead) noexcept {
    RCUVM_ASSERT(!sync::rcu::is_in_section(), "retire_list::add inside a read section: it may have to wait");
    detail::retire_block* last = first_ == nullptr ? nullptr : first_->last_block;
    if (last == nullptr || last->count == last->capacity) {
      last = grow();
      if (last == nullptr) return free_after_wait(dead);
    }
    last->items()[last->count++] = dead;
    ++first_->objects;
    first_->bytes += dead.bytes;
  }

  /// Takes the other's objects behind its own. Cost: constant.
  void append(retire_list&& other) noexcept;

  /// Frees all, in order. For objects that no reader has ever seen, or after the caller's own wait.
  void free_now() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return first_ == nullptr ? 0 : first_->objects; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return first_ == nullptr ? 0 : first_->bytes; }
  [[nodiscard]] bool is_empty() const noexcept { return first_ == nullptr; }

 private:
  friend class limbo;

  explicit retire_list(detail::retire_block* first) noexcept : first_{first} {}
  [[nodiscard]] detail::retire_block* release() noexcept {
    detail::retire_block* first = first_;
    first_ = nullptr;
    return first;
  }
  [[nodiscard]] detail::retire_block* grow() noexcept;
  static void free_after_wait(retired dead) noexcept;

  detail::retire_block* first_ =
      nullptr;  ///< nullptr or a block with an object in it. guard: the owning thread
};

}  // namespace rcuvm::reclaim
