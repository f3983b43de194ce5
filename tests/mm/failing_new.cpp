// SPDX-License-Identifier: Apache-2.0
#include "tests/mm/failing_new.hpp"

#include <cstdlib>
#include <new>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/thread.hpp"
#include "rcuvm/sync/tsan.hpp"

namespace {

constinit rcuvm::sync::atomic<std::uintptr_t> victim{0};  // whose allocations count; 0: nobody's
constinit std::uint64_t left = 0;                         // guard: the victim. 0: none will fail
constinit bool has_one_failed = false;                    // guard: the victim

[[maybe_unused]] bool fails_now() noexcept {
  if (victim.load_relaxed() == 0 || victim.load_relaxed() != rcuvm::sync::current_thread_key()) return false;
  if (left == 0 || --left != 0) return false;
  has_one_failed = true;
  return true;
}

}  // namespace

namespace rcuvm::mm::testing {

failing_new::failing_new(std::uint64_t nth) noexcept {
  has_one_failed = false;
  left = nth;
  victim.store_relaxed(sync::current_thread_key());
}
failing_new::~failing_new() { victim.store_relaxed(0); }
bool failing_new::has_failed() const noexcept { return has_one_failed; }

}  // namespace rcuvm::mm::testing

#ifndef RCUVM_TSAN

// All forms: a sanitizer has its own of those that are not replaced here, and they would not fit together.

namespace {

void* get(std::size_t bytes) noexcept { return fails_now() ? nullptr : std::malloc(bytes); }
void* get(std::size_t bytes, std::align_val_t alignment) noexcept {
  const auto boundary = static_cast<std::size_t>(alignment);
  return fails_now() ? nullptr : std::aligned_alloc(boundary, (bytes + boundary - 1) / boundary * boundary);
}
void* or_throw(void* got) {
  if (got == nullptr) throw std::bad_alloc{};
  return got;
}

}  // namespace

void* operator new(std::size_t bytes) { return or_throw(get(bytes)); }
void* operator new[](std::size_t bytes) { return or_throw(get(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return or_throw(get(bytes, alignment)); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return or_throw(get(bytes, alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return get(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return get(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return get(bytes, alignment);
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return get(bytes, alignment);
}
void operator delete(void* object) noexcept { std::free(object); }
void operator delete[](void* object) noexcept { std::free(object); }
void operator delete(void* object, std::size_t) noexcept { std::free(object); }
void operator delete[](void* object, std::size_t) noexcept { std::free(object); }
void operator delete(void* object, std::align_val_t) noexcept { std::free(object); }
void operator delete[](void* object, std::align_val_t) noexcept { std::free(object); }
void operator delete(void* object, std::size_t, std::align_val_t) noexcept { std::free(object); }
void operator delete[](void* object, std::size_t, std::align_val_t) noexcept { std::free(object); }

#endif  // RCUVM_TSAN
