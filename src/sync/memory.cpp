// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/memory.hpp"

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/checked.hpp"
#include "recycler.hpp"

namespace rcuvm::sync::memory {

namespace {

constinit thread_local failing_allocations* failing = nullptr;

bool is_over_aligned(std::size_t alignment) noexcept { return alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__; }

}  // namespace

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (checked::is_running()) return checked::current().allocate(bytes, alignment);
  if (failing != nullptr && failing->fails_now()) return nullptr;
  if (recycler::serves(bytes, alignment)) return recycler::take(recycler::class_of(bytes));
  if (is_over_aligned(alignment)) return ::operator new(bytes, std::align_val_t{alignment}, std::nothrow);
  return ::operator new(bytes, std::nothrow);
}

void deallocate(void* object, std::size_t bytes, std::size_t alignment) noexcept {
  if (object == nullptr) return;
  if (checked::is_running()) return checked::current().deallocate(object);
  if (recycler::serves(bytes, alignment)) {
    recycler::give(object, recycler::class_of(bytes));
  } else if (is_over_aligned(alignment)) {
    ::operator delete(object, bytes, std::align_val_t{alignment});
  } else {
    ::operator delete(object, bytes);
  }
}

reusable allocate_or_reuse(std::size_t bytes, std::size_t alignment) noexcept {
  if (recycler::serves(bytes, alignment) && !checked::is_running() && failing == nullptr) {
    if (void* const found = recycler::take_kept(bytes)) return {found, true};
  }
  return {allocate(bytes, alignment), false};
}

void keep_or_deallocate(void* object, std::size_t bytes, std::size_t alignment) noexcept {
  if (!recycler::serves(bytes, alignment) || checked::is_running())
    return deallocate(object, bytes, alignment);
  RCUVM_ASSERT(recycler::class_of(bytes) == recycler::class_of(recycler::largest),
               "kept: another size than page tables have");
  recycler::give(object, recycler::kept);
}

failing_allocations::failing_allocations(std::uint64_t nth, how after) noexcept
    : left_{nth}, after_{after}, outer_{failing} {
  RCUVM_CHECK(nth != 0, "failing_allocations counts from 1");
  failing = this;
}

failing_allocations::~failing_allocations() { failing = outer_; }

bool failing_allocations::fails_now() noexcept {
  const bool fails = left_ == 1 || (left_ == 0 && after_ == how::for_good);
  if (left_ != 0) --left_;
  if (fails) ++failed_;
  return fails;
}

}  // namespace rcuvm::sync::memory
