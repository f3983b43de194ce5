// SPDX-License-Identifier: Apache-2.0
#include "slabs.hpp"

#include <sys/mman.h>

#include <memory>
#include <utility>

namespace rcuvm::sync::memory {

namespace {

constexpr std::size_t slab_bytes = std::size_t{2} << 20U;  // a huge page of x86-64
constexpr std::size_t short_bytes = slab_bytes / 8;

std::uintptr_t round_up(std::uintptr_t value, std::size_t to) noexcept {
  return (value + to - 1) & ~(to - 1);
}

/// slab_bytes of zeros at a multiple of slab_bytes; null when there is no memory.
void* map_aligned() noexcept {
  constexpr std::size_t asked = 2 * slab_bytes;
  void* const got = ::mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return nullptr;
  auto* const first = static_cast<std::byte*>(got);
  const auto start = reinterpret_cast<std::uintptr_t>(first);
  const std::size_t before = round_up(start, slab_bytes) - start;
  if (before != 0) ::munmap(first, before);
  ::munmap(first + before + slab_bytes, asked - before - slab_bytes);
  return first + before;
}

}  // namespace

struct slab_list::slab {
  slab* next = nullptr;
  slab* previous = nullptr;
  void* given_back = nullptr;  ///< blocks, each with the next one's address in it
  std::size_t used = 0;        ///< bytes: all blocks behind have never been taken
  std::size_t end = 0;         ///< bytes
  std::size_t taken = 0;       ///< blocks

  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
    return given_back != nullptr || used + bytes <= end;
  }
};

void* slab_list::take() noexcept {
  const std::lock_guard guard{lock_};
  if (with_room_ == nullptr) {
    slab* const more = empty_ != nullptr ? std::exchange(empty_, nullptr) : make_slab();
    if (more == nullptr) return nullptr;
    link(*more);
  }
  slab& from = *with_room_;
  void* block = from.given_back;
  if (block != nullptr) {
    from.given_back = *static_cast<void**>(block);
  } else {
    block = reinterpret_cast<std::byte*>(&from) + from.used;
    from.used += bytes_;
  }
  ++from.taken;
  if (!from.has_room(bytes_)) unlink(from);
  return block;
}

void slab_list::give(void* block) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  slab* const into =
      reinterpret_cast<slab*>(address & ~(slab_bytes - 1));  // NOLINT(performance-no-int-to-ptr)
  slab* unused = nullptr;
  {
    const std::lock_guard guard{lock_};
    if (!into->has_room(bytes_)) link(*into);
    *static_cast<void**>(block) = std::exchange(into->given_back, block);
    if (--into->taken != 0) return;
    unlink(*into);
    unused = std::exchange(empty_, into);
    if (unused == nullptr) return;
    --slabs_;
  }
  ::munmap(unused, slab_bytes);
}

std::size_t slab_list::count_slabs() noexcept {
  const std::lock_guard guard{lock_};
  return slabs_;
}

slab_list::slab* slab_list::make_slab() noexcept {
  void* const place = map_aligned();
  if (place == nullptr) return nullptr;
  const bool is_short = slabs_ == 0;
  ::madvise(place, slab_bytes, is_short ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);  // refused: then without
  slab* const made = std::construct_at(static_cast<slab*>(place));
  made->used = round_up(sizeof(slab), alignment_);
  made->end = is_short ? short_bytes : slab_bytes;
  ++slabs_;
  return made;
}

void slab_list::link(slab& added) noexcept {
  added.previous = nullptr;
  added.next = with_room_;
  if (with_room_ != nullptr) with_room_->previous = &added;
  with_room_ = &added;
}

void slab_list::unlink(slab& gone) noexcept {
  (gone.previous == nullptr ? with_room_ : gone.previous->next) = gone.next;
  if (gone.next != nullptr) gone.next->previous = gone.previous;
}

}  // namespace rcuvm::sync::memory
