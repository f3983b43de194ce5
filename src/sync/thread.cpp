// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/thread.hpp"
#include "rcuvm/sync/checked.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

namespace rcuvm::sync {

void thread::join() noexcept {
  if (virtual_ >= 0) return checked::current().join(virtual_);
  if (!native_.joinable()) return;
  const rcu::offline while_waiting;
  native_.join();
}

void thread::show_name(const char* name) noexcept {
  char shown[16];  // the kernel's limit, with the 0
  std::snprintf(shown, sizeof shown, "%s", name);
  ::pthread_setname_np(::pthread_self(), shown);
}

unsigned hardware_threads() noexcept { return std::max(1U, std::thread::hardware_concurrency()); }

void yield() noexcept {
  if (checked::is_running()) return checked::current().yield();
  rcu::announce_quiescent_state();
  ::sched_yield();
}

void sleep_ns(std::uint64_t nanoseconds) noexcept {
  if (checked::is_running()) return checked::current().sleep_ns(nanoseconds);
  constexpr std::uint64_t second = 1'000'000'000U;
  const rcu::offline while_waiting;
  timespec left{static_cast<time_t>(nanoseconds / second), static_cast<long>(nanoseconds % second)};
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

int current_tid() noexcept { return ::gettid(); }

}  // namespace rcuvm::sync
