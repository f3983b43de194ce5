// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/reclaim/retire.hpp"

#include <memory>
#include <utility>

#include "rcuvm/sync/memory.hpp"

namespace rcuvm::reclaim {

namespace {

using detail::retire_block;

constexpr std::uint32_t capacity_of(std::size_t block_bytes) noexcept {
  return static_cast<std::uint32_t>((block_bytes - sizeof(retire_block)) / sizeof(retired));
}

// Typical operations fit in the first block; an exit of a whole address space takes big ones.
constexpr std::uint32_t first_capacity = capacity_of(512);
constexpr std::uint32_t next_capacity = capacity_of(4096);

constexpr std::size_t bytes_of(std::uint32_t capacity) noexcept {
  return sizeof(retire_block) + capacity * sizeof(retired);
}

static_assert(alignof(retired) <= alignof(retire_block) && sizeof(retire_block) % alignof(retired) == 0);

}  // namespace

retire_block* retire_list::grow() noexcept {
  const std::uint32_t capacity = first_ == nullptr ? first_capacity : next_capacity;
  void* place = sync::memory::allocate(bytes_of(capacity), alignof(retire_block));
  if (place == nullptr) return nullptr;
  auto* block = std::construct_at(static_cast<retire_block*>(place));
  block->capacity = capacity;
  if (first_ == nullptr) {
    first_ = block;
  } else {
    first_->last_block->next_block = block;
  }
  first_->last_block = block;
  return block;
}

void retire_list::free_after_wait(retired dead) noexcept {
  sync::rcu::synchronize();
  dead.free(dead.object);
}

void retire_list::append(retire_list&& other) noexcept {
  retire_block* more = other.release();
  if (more == nullptr) return;
  if (first_ == nullptr) {
    first_ = more;
    return;
  }
  first_->last_block->next_block = more;
  first_->last_block = more->last_block;
  first_->objects += more->objects;
  first_->bytes += more->bytes;
}

void retire_list::free_now() noexcept {
  retire_block* block = release();
  while (block != nullptr) {
    for (std::uint32_t at = 0; at != block->count; ++at) {
      const retired dead = block->items()[at];
      dead.free(dead.object);
    }
    retire_block* next = block->next_block;
    sync::memory::deallocate(block, bytes_of(block->capacity), alignof(retire_block));
    block = next;
  }
}

}  // namespace rcuvm::reclaim
