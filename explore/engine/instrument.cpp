// SPDX-License-Identifier: Apache-2.0

/// Where the compiler and the C++ runtime call the engine.
///
/// The checked library and the scenarios are compiled with -fsanitize=thread, but ThreadSanitizer's runtime is not linked: this file
/// answers the call before each plain load and store, and makes the atomic accesses, which the scheduler has been told of
/// already. (-fsanitize=kernel-address would do with less, but g++ leaves out its call for a store behind a load of the same
/// bytes, so that `++plain` would never be a store.)

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "explore/engine/arena.hpp"
#include "explore/engine/world.hpp"

using rcuvm::explore::arena;
using rcuvm::explore::world;

namespace {

void seen(const void* at, std::size_t bytes, bool is_write) noexcept {
  if (!arena::holds(at)) return;
  if (world* here = world::current()) here->plain(at, bytes, is_write);
}

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  world* here = world::current();
  if (here != nullptr && here->takes_allocations()) return here->allocate(bytes, alignment);
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(bytes != 0 ? bytes : 1);
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* made = allocate(bytes, alignment);
  if (made == nullptr) throw std::bad_alloc{};
  return made;
}

void deallocate(void* object) noexcept {
  if (!arena::holds(object)) return std::free(object);
  if (world* here = world::current()) here->deallocate_private(object);
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

// NOLINTBEGIN: the names are the compiler's
extern "C" {
void __tsan_init() {}
void __tsan_read1(void* at) { seen(at, 1, false); }
void __tsan_read2(void* at) { seen(at, 2, false); }
void __tsan_read4(void* at) { seen(at, 4, false); }
void __tsan_read8(void* at) { seen(at, 8, false); }
void __tsan_read16(void* at) { seen(at, 16, false); }
void __tsan_write1(void* at) { seen(at, 1, true); }
void __tsan_write2(void* at) { seen(at, 2, true); }
void __tsan_write4(void* at) { seen(at, 4, true); }
void __tsan_write8(void* at) { seen(at, 8, true); }
void __tsan_write16(void* at) { seen(at, 16, true); }
void __tsan_unaligned_read2(void* at) { seen(at, 2, false); }
void __tsan_unaligned_read4(void* at) { seen(at, 4, false); }
void __tsan_unaligned_read8(void* at) { seen(at, 8, false); }
void __tsan_unaligned_read16(void* at) { seen(at, 16, false); }
void __tsan_unaligned_write2(void* at) { seen(at, 2, true); }
void __tsan_unaligned_write4(void* at) { seen(at, 4, true); }
void __tsan_unaligned_write8(void* at) { seen(at, 8, true); }
void __tsan_unaligned_write16(void* at) { seen(at, 16, true); }
void __tsan_read_range(void* at, std::size_t bytes) { seen(at, bytes, false); }
void __tsan_write_range(void* at, std::size_t bytes) { seen(at, bytes, true); }
void __tsan_vptr_read(void** at) { seen(at, sizeof *at, false); }
void __tsan_vptr_update(void** at, void* to) {
  if (*at != to) seen(at, sizeof *at, true);
}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}
}
// NOLINTEND

namespace {

// One operating-system thread runs all virtual ones, so plain accesses are atomic enough.
template <class Word, class Change>
Word update(volatile Word* at, Change change) noexcept {
  const Word before = *at;
  *at = static_cast<Word>(change(before));
  return before;
}

template <class Word>
int compare_exchange(volatile Word* at, Word* seen, Word to) noexcept {
  const Word before = *at;
  if (before == *seen) {
    *at = to;
    return 1;
  }
  *seen = before;
  return 0;
}

}  // namespace

// NOLINTBEGIN: the names are the compiler's
extern "C" {
#define RCUVM_UPDATE(bits, name, changed)                                            \
  std::uint##bits##_t __tsan_atomic##bits##_##name(volatile std::uint##bits##_t* at, \
                                                   std::uint##bits##_t with, int) {  \
    return update(at, [with](std::uint##bits##_t seen) { return changed; });         \
  }
#define RCUVM_ATOMICS(bits)                                                                            \
  std::uint##bits##_t __tsan_atomic##bits##_load(const volatile std::uint##bits##_t* at, int) {        \
    return *at;                                                                                        \
  }                                                                                                    \
  void __tsan_atomic##bits##_store(volatile std::uint##bits##_t* at, std::uint##bits##_t to, int) {    \
    *at = to;                                                                                          \
  }                                                                                                    \
  int __tsan_atomic##bits##_compare_exchange_strong(                                                   \
      volatile std::uint##bits##_t* at, std::uint##bits##_t* seen, std::uint##bits##_t to, int, int) { \
    return compare_exchange(at, seen, to);                                                             \
  }                                                                                                    \
  int __tsan_atomic##bits##_compare_exchange_weak(                                                     \
      volatile std::uint##bits##_t* at, std::uint##bits##_t* seen, std::uint##bits##_t to, int, int) { \
    return compare_exchange(at, seen, to);                                                             \
  }                                                                                                    \
  RCUVM_UPDATE(bits, exchange, (static_cast<void>(seen), with))                                        \
  RCUVM_UPDATE(bits, fetch_add, seen + with)                                                           \
  RCUVM_UPDATE(bits, fetch_sub, seen - with)                                                           \
  RCUVM_UPDATE(bits, fetch_and, seen& with)                                                            \
  RCUVM_UPDATE(bits, fetch_or, seen | with)
RCUVM_ATOMICS(8)
RCUVM_ATOMICS(16)
RCUVM_ATOMICS(32)
RCUVM_ATOMICS(64)
#undef RCUVM_ATOMICS
#undef RCUVM_UPDATE
}
// NOLINTEND

void* operator new(std::size_t bytes) { return allocate_or_throw(bytes, usual); }
void* operator new[](std::size_t bytes) { return allocate_or_throw(bytes, usual); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes, usual); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes, usual); }
void* operator new(std::size_t bytes, std::align_val_t align) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t bytes, std::align_val_t align) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(align));
}
void* operator new(std::size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
  return allocate(bytes, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
  return allocate(bytes, static_cast<std::size_t>(align));
}
void operator delete(void* object) noexcept { deallocate(object); }
void operator delete[](void* object) noexcept { deallocate(object); }
void operator delete(void* object, std::size_t) noexcept { deallocate(object); }
void operator delete[](void* object, std::size_t) noexcept { deallocate(object); }
void operator delete(void* object, std::align_val_t) noexcept { deallocate(object); }
void operator delete[](void* object, std::align_val_t) noexcept { deallocate(object); }
void operator delete(void* object, std::size_t, std::align_val_t) noexcept { deallocate(object); }
void operator delete[](void* object, std::size_t, std::align_val_t) noexcept { deallocate(object); }
