// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/checked.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <mutex>

#include "rcuvm/sync/thread.hpp"

// For the type of the reader word: the API without _LGPL_SOURCE does not name it.
#ifdef RCUVM_RCU_QSBR
#include <urcu/static/urcu-qsbr.h>
#else
#include <urcu/static/urcu-memb.h>
#endif

namespace rcuvm::sync::rcu {

namespace detail {

constinit thread_local thread_state this_thread;
char grace_period_begun = 0;

}  // namespace detail

namespace {

using detail::thread_state;

/// The registered threads. A plain std::mutex: it is held for a few loads only, never over a wait.
constinit std::mutex registry;
constinit thread_state* first_thread = nullptr;  ///< guard: registry
constinit char departed = 0;  ///< TSan's token: the sections of threads that have unregistered
constinit atomic<std::uint64_t> completed_grace_periods{0};
constinit atomic<std::uint64_t> taken_naps{0};

auto& own_reader() noexcept {
#ifdef RCUVM_RCU_QSBR
  return URCU_TLS(urcu_qsbr_reader);
#else
  return URCU_TLS(urcu_memb_reader);
#endif
}

/// Whether the thread whose words these are may hold up a grace period now.
bool holds_up(const thread_state& thread) noexcept {
  const unsigned long word = __atomic_load_n(thread.reader_word, __ATOMIC_RELAXED);
#ifdef RCUVM_RCU_QSBR
  const unsigned long current = __atomic_load_n(&urcu_qsbr_gp.ctr, __ATOMIC_RELAXED);
  return thread.open_sections() != 0 || (word != 0 && word != current);
#else
  return (word & URCU_GP_CTR_NEST_MASK) != 0;
#endif
}

#ifndef RCUVM_RCU_QSBR
/// What the thread has had of its cpu so far, in ns; 0 when that can't be told. The clock's number is what pthread_getcpuclockid(3)
/// makes of a thread.
std::uint64_t cpu_time_of(const thread_state& thread) noexcept {
  constexpr unsigned thread_clock = 6;  // Linux: CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread.tid) << 3U) | thread_clock);
  timespec had{};
  if (::clock_gettime(clock, &had) != 0) return 0;
  return static_cast<std::uint64_t>(had.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(had.tv_nsec);
}

/// Is it inside whenever one looks, for some microseconds, without a cpu? One that is at work may come and go between the looks,
/// or read for long: to sleep for its sake would make the grace period longer than it need be.
bool is_stuck(const thread_state& thread) noexcept {
  constexpr unsigned looks = 64;
  const std::uint64_t before = cpu_time_of(thread);
  for (unsigned i = 0; i != looks; ++i) {
    if (!holds_up(thread)) return false;
    caa_cpu_relax();
  }
  return cpu_time_of(thread) == before;
}

bool is_any_stuck() noexcept {
  const std::lock_guard lock{registry};
  for (const thread_state* thread = first_thread; thread != nullptr; thread = thread->next) {
    if (is_stuck(*thread)) return true;
  }
  return false;
}

/// Lets readers who have lost their cpu inside a section leave it, before liburcu waits for them. It would not sleep then: each time
/// that another reader leaves a section it is woken, asks all cpus for a barrier (twenty microseconds of its own and an interrupt of
/// theirs, on a virtual machine) and looks again, on the very cpu that the one it waits for has lost. Which is the usual case where
/// threads are busy on all cpus: whoever wakes up to free something takes the cpu of one that is inside. Measured there: 120
/// barriers and 2.6 ms of a cpu for a grace period. No promise rests on this.
void let_stuck_readers_leave() noexcept {
  constexpr std::uint64_t shortest_nap_ns = 50'000;
  constexpr std::uint64_t longest_nap_ns = 500'000;
  constexpr unsigned most_naps = 32;  // one who is inside for long, or is never seen outside
  std::uint64_t nap_ns = shortest_nap_ns;
  for (unsigned naps = 0; naps != most_naps && is_any_stuck(); ++naps) {
    sleep_ns(nap_ns);
    taken_naps.fetch_add_relaxed(1);
    nap_ns = std::min(2 * nap_ns, longest_nap_ns);
  }
}
#endif

}  // namespace

registration::registration(const char* name) noexcept {
  thread_state& thread = detail::own_state();
  if (thread.registrations++ != 0 || checked::is_running()) return;
  thread.is_foreign = own_reader().registered != 0;  // a second time would break liburcu's list
  thread.reader_word = &own_reader().ctr;
  thread.tid = current_tid();
  std::snprintf(thread.name, sizeof thread.name, "%s", name);
  if (!thread.is_foreign) liburcu::register_thread();
  tsan::acquire(&detail::grace_period_begun);

  const std::lock_guard lock{registry};
  thread.previous = nullptr;
  thread.next = first_thread;
  if (first_thread != nullptr) first_thread->previous = &thread;
  first_thread = &thread;
}

registration::~registration() {
  thread_state& thread = detail::own_state();
  RCUVM_CHECK(thread.registrations != 0, "rcu::registration ended by another thread");
  if (--thread.registrations != 0) return;
  RCUVM_CHECK(!is_in_section(), "rcu::registration ended inside a read section");
  if (checked::is_running()) return;
  {
    const std::lock_guard lock{registry};
    if (thread.previous != nullptr) {
      thread.previous->next = thread.next;
    } else {
      first_thread = thread.next;
    }
    if (thread.next != nullptr) thread.next->previous = thread.previous;
    tsan::release(&departed);
  }
  if (!thread.is_foreign) liburcu::unregister_thread();
}

void synchronize() noexcept {
  RCUVM_CHECK(!is_in_section(), "rcu::synchronize inside a read section: it would wait for itself");
  if (checked::is_running()) return checked::current().synchronize();
  tsan::release(&detail::grace_period_begun);
#ifndef RCUVM_RCU_QSBR
  let_stuck_readers_leave();
#endif
  liburcu::synchronize();
  completed_grace_periods.fetch_add_relaxed(1);
#ifdef RCUVM_TSAN
  const std::lock_guard lock{registry};
  tsan::acquire(&departed);
  for (thread_state* thread = first_thread; thread != nullptr; thread = thread->next) {
    tsan::acquire(&thread->sections_ended);
  }
#endif
}

const char* flavour() noexcept {
#ifdef RCUVM_RCU_QSBR
  return "qsbr";
#else
  return "memb";
#endif
}

std::uint64_t grace_periods() noexcept { return completed_grace_periods.load_relaxed(); }

std::uint64_t naps() noexcept { return taken_naps.load_relaxed(); }

std::size_t threads_at_work() noexcept {
  const std::lock_guard lock{registry};
  std::size_t count = 0;
  for (const thread_state* thread = first_thread; thread != nullptr; thread = thread->next) {
    if (!thread->is_waiting()) ++count;
  }
  return count;
}

std::vector<reader_info> readers_inside() {
  std::vector<reader_info> found;
  if (checked::is_running()) return found;
  const std::lock_guard lock{registry};
  for (const thread_state* thread = first_thread; thread != nullptr; thread = thread->next) {
    if (holds_up(*thread)) found.push_back({thread->name, thread->tid});
  }
  return found;
}

}  // namespace rcuvm::sync::rcu
