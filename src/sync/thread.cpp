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
#include <limits>

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

unsigned current_cpu() noexcept {
  const int cpu = checked::is_running() ? 0 : ::sched_getcpu();
  return cpu < 0 ? 0U : static_cast<unsigned>(cpu);
}

placement::placement() noexcept : all_{} {
  if (checked::is_running() || ::sched_getaffinity(0, sizeof all_, &all_) != 0) CPU_ZERO(&all_);
}

void placement::move_to(std::optional<unsigned> cpu) noexcept {
  if (cpu && (*cpu >= CPU_SETSIZE || !CPU_ISSET(*cpu, &all_))) cpu.reset();
  if (cpu == only_) return;
  cpu_set_t wanted = all_;
  if (cpu) {
    CPU_ZERO(&wanted);
    CPU_SET(*cpu, &wanted);
  }
  if (::sched_setaffinity(0, sizeof wanted, &wanted) == 0) only_ = cpu;
}

unsigned placement::cpus() const noexcept {
  const int known = CPU_COUNT(&all_);
  return known == 0 ? std::numeric_limits<unsigned>::max() : static_cast<unsigned>(known);
}

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
