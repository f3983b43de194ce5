// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What ThreadSanitizer has to be told, and the macro RCUVM_TSAN that says that it is there.
///
/// TSan cannot see a grace period (a system call inside an uninstrumented library), so the wrappers of rcu.hpp draw
/// the happens-before edges by hand; and it does not model fences, so seqcount.hpp uses read-modify-writes instead.
/// Run with `TSAN_OPTIONS=suppressions=...` naming called_from_lib:liburcu-memb.so and called_from_lib:liburcu-qsbr.so.

#include "rcuvm/sync/checked.hpp"

#if defined(__SANITIZE_THREAD__)
#define RCUVM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCUVM_TSAN 1
#endif
#endif

#ifdef RCUVM_TSAN
extern "C" void __tsan_acquire(void* token);
extern "C" void __tsan_release(void* token);
extern "C" void __tsan_atomic_thread_fence(int order);
#endif

namespace rcuvm::sync::tsan {

/// All that happened before a release() of the same token happens before what follows.
inline void acquire([[maybe_unused]] void* token) noexcept {
  if (checked::is_running()) checked::current().acquire(token);
#ifdef RCUVM_TSAN
  __tsan_acquire(token);
#endif
}

inline void release([[maybe_unused]] void* token) noexcept {
  if (checked::is_running()) checked::current().release(token);
#ifdef RCUVM_TSAN
  __tsan_release(token);
#endif
}

}  // namespace rcuvm::sync::tsan
