// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where the recycler's blocks come from and go to: 2 MiB of blocks of one size at a time, on huge pages.

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace rcuvm::sync::memory {

///   slab     header | block | block | block | not used yet      2 MiB at a multiple of 2 MiB: a block's address tells its slab
///   list     slabs with room <-> ... ; one empty slab is kept, further ones go back to the system
///
/// Why huge pages   nodes of one tree lie everywhere in it, and those that wait in limbo everywhere else: measured against
///                  blocks from malloc, in turns: a change of a tree of 1,000 or 30,000 ranges takes 0.8 of the time, a lookup in
///                  one of 1,000,000, too.
/// The first slab   of a size is short, and on pages as they are touched: a small program pays for what it uses.
/// Writers          any thread, under the list's lock; the recycler's magazines see to it that few come.
/// Cost             a lock for each block; a page fault that clears 2 MiB for each slab.
class slab_list {
 public:
  /// Blocks of `bytes` bytes at multiples of `alignment`, a power of two that divides `bytes`.
  constexpr slab_list(std::size_t bytes, std::size_t alignment) noexcept
      : bytes_{bytes}, alignment_{alignment} {}
  slab_list(const slab_list&) = delete;
  slab_list& operator=(const slab_list&) = delete;
  ~slab_list() = default;

  /// Null when there is no memory.
  [[nodiscard]] void* take() noexcept;
  /// What take() of this list has returned.
  void give(void* block) noexcept;

  /// For tests.
  [[nodiscard]] std::size_t count_slabs() noexcept;

 private:
  struct slab;

  [[nodiscard]] slab* make_slab() noexcept;
  void link(slab& added) noexcept;
  void unlink(slab& gone) noexcept;

  const std::size_t bytes_;
  const std::size_t alignment_;
  std::mutex lock_;
  slab* with_room_ = nullptr;  ///< guard: lock_
  slab* empty_ = nullptr;      ///< guard: lock_. In no list
  std::size_t slabs_ = 0;      ///< guard: lock_
};

}  // namespace rcuvm::sync::memory
