// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/rwsem.hpp"

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/spin.hpp"

namespace rcuvm::sync {

rwsem::rwsem(reader_wait wait_by) noexcept : do_readers_spin_{wait_by == reader_wait::spin} {
  pthread_rwlockattr_t attributes;
  int failed = ::pthread_rwlockattr_init(&attributes);
  // NONRECURSIVE is what makes glibc honour the preference: the other writer kinds let readers pass a waiting writer.
  failed |= ::pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  failed |= ::pthread_rwlock_init(&native_, &attributes);
  ::pthread_rwlockattr_destroy(&attributes);
  RCUVM_CHECK(failed == 0, "rwsem: no reader-writer lock");
}

rwsem::~rwsem() {
  const int failed = ::pthread_rwlock_destroy(&native_);
  RCUVM_CHECK(failed == 0, "rwsem destroyed while held");
}

void rwsem::lock() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  if (checked::is_running()) return checked::current().lock(this, checked::sharing::exclusive);
  if (spin_until(spinning::reads, [this] { return try_lock(); })) return;
  const rcu::offline while_waiting;
  const int failed = ::pthread_rwlock_wrlock(&native_);
  RCUVM_CHECK(failed == 0, "rwsem locked twice by one thread");
}

bool rwsem::try_lock() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  if (checked::is_running()) return checked::current().try_lock(this, checked::sharing::exclusive);
  return ::pthread_rwlock_trywrlock(&native_) == 0;
}

void rwsem::unlock() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  if (checked::is_running()) return checked::current().unlock(this, checked::sharing::exclusive);
  ::pthread_rwlock_unlock(&native_);
}

void rwsem::lock_shared() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  if (checked::is_running()) return checked::current().lock(this, checked::sharing::shared);
  const auto is_in = [this] { return try_lock_shared(); };
  if (do_readers_spin_ ? spin_until(spinning::reads, is_in) : is_in()) return;
  const rcu::offline while_waiting;
  const int failed = ::pthread_rwlock_rdlock(&native_);
  RCUVM_CHECK(failed == 0, "rwsem: read side of its own writer, or too many readers");
}

bool rwsem::try_lock_shared() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  if (checked::is_running()) return checked::current().try_lock(this, checked::sharing::shared);
  return ::pthread_rwlock_tryrdlock(&native_) == 0;
}

void rwsem::unlock_shared() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  if (checked::is_running()) return checked::current().unlock(this, checked::sharing::shared);
  ::pthread_rwlock_unlock(&native_);
}

}  // namespace rcuvm::sync
