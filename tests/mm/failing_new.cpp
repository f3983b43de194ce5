// SPDX-License-Identifier: Apache-2.0
#include "tests/mm/failing_new.hpp"

#include <cstdlib>
#include <new>

namespace {

constinit thread_local std::uint64_t left = 0;  // 0: none will fail
constinit thread_local bool has_one_failed = false;

bool fails_now() noexcept {
  if (left == 0 || --left != 0) return false;
  has_one_failed = true;
  return true;
}

}  // namespace

namespace rcuvm::mm::testing {

failing_new::failing_new(std::uint64_t nth) noexcept {
  has_one_failed = false;
  left = nth;
}
failing_new::~failing_new() { left = 0; }
bool failing_new::has_failed() const noexcept { return has_one_failed; }

}  // namespace rcuvm::mm::testing

// The other forms of new and delete call these.

void* operator new(std::size_t bytes) {
  void* got = fails_now() ? nullptr : std::malloc(bytes);
  if (got == nullptr) throw std::bad_alloc{};
  return got;
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto boundary = static_cast<std::size_t>(alignment);
  void* got =
      fails_now() ? nullptr : std::aligned_alloc(boundary, (bytes + boundary - 1) / boundary * boundary);
  if (got == nullptr) throw std::bad_alloc{};
  return got;
}
void operator delete(void* object) noexcept { std::free(object); }
void operator delete(void* object, std::size_t) noexcept { std::free(object); }
void operator delete(void* object, std::align_val_t) noexcept { std::free(object); }
void operator delete(void* object, std::size_t, std::align_val_t) noexcept { std::free(object); }
