// SPDX-License-Identifier: Apache-2.0

/// Where the compiler and the C++ runtime call the engine.
///
/// The checked library and the scenarios are compiled with -fsanitize=kernel-address in its outline form: a call before each
/// load and store, which this file answers; no runtime of AddressSanitizer is linked.

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
void __asan_load1_noabort(void* at) { seen(at, 1, false); }
void __asan_load2_noabort(void* at) { seen(at, 2, false); }
void __asan_load4_noabort(void* at) { seen(at, 4, false); }
void __asan_load8_noabort(void* at) { seen(at, 8, false); }
void __asan_load16_noabort(void* at) { seen(at, 16, false); }
void __asan_loadN_noabort(void* at, std::size_t bytes) { seen(at, bytes, false); }
void __asan_store1_noabort(void* at) { seen(at, 1, true); }
void __asan_store2_noabort(void* at) { seen(at, 2, true); }
void __asan_store4_noabort(void* at) { seen(at, 4, true); }
void __asan_store8_noabort(void* at) { seen(at, 8, true); }
void __asan_store16_noabort(void* at) { seen(at, 16, true); }
void __asan_storeN_noabort(void* at, std::size_t bytes) { seen(at, bytes, true); }
void __asan_handle_no_return() {}
void __asan_before_dynamic_init(const char*) {}
void __asan_after_dynamic_init() {}
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
