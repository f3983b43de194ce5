// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/mutex.hpp"

#include <algorithm>
#include <chrono>

#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/sync/spin.hpp"

namespace rcuvm::sync {

void mutex::lock_slowly() noexcept {
  if (spin_until(spinning::reads,
                 [this] { return !is_held_.load(std::memory_order_relaxed) && try_native(); }))
    return;
  const rcu::offline while_waiting;
  native_.lock();
  is_held_.store(true, std::memory_order_relaxed);
}

void condition::wait(mutex_guard& guard) noexcept {
  if (checked::is_running()) return checked::current().wait(this, &guard.mutex_);
  const rcu::offline while_waiting;
  const mutex::let_go meanwhile{guard.mutex_};
  std::unique_lock<std::mutex> lock{guard.mutex_.native_, std::adopt_lock};
  native_.wait(lock);
  lock.release();
}

bool condition::wait_for_ns(mutex_guard& guard, std::uint64_t nanoseconds) noexcept {
  if (checked::is_running()) return checked::current().wait_for_ns(this, &guard.mutex_, nanoseconds);
  constexpr std::uint64_t longest_ns = std::uint64_t{1}
                                       << 60U;  // 36 years: the sum with "now" must not overflow
  const rcu::offline while_waiting;
  const mutex::let_go meanwhile{guard.mutex_};
  std::unique_lock<std::mutex> lock{guard.mutex_.native_, std::adopt_lock};
  const std::chrono::nanoseconds limit{std::min(nanoseconds, longest_ns)};
  const bool notified = native_.wait_for(lock, limit) == std::cv_status::no_timeout;
  lock.release();
  return notified;
}

write_section::write_section(mutex& held) noexcept : mutex_{&held} { lock(); }
write_section::write_section(rwsem& held) noexcept : rwsem_{&held} { lock(); }

write_section::~write_section() {
  if (is_held_) unlock();
}

void write_section::lock() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  RCUVM_ASSERT(!is_held_, "write_section locked twice");
  if (mutex_ != nullptr) {
    mutex_->lock();
  } else {
    rwsem_->lock();
  }
  is_held_ = true;
}

void write_section::unlock() noexcept RCUVM_NO_THREAD_SAFETY_ANALYSIS {
  RCUVM_ASSERT(is_held_, "write_section unlocked twice");
  is_held_ = false;
  if (mutex_ != nullptr) {
    mutex_->unlock();
  } else {
    rwsem_->unlock();
  }
}

}  // namespace rcuvm::sync
