// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Read-copy-update over liburcu: read sections, grace periods, and the pointer that readers follow.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/liburcu.hpp"
#include "rcuvm/sync/tsan.hpp"

#if defined(RCUVM_CHECKED) && defined(RCUVM_RCU_QSBR)
#error "the checked build models RCU itself: flavour memb"
#endif

#if defined(RCUVM_ASSERTIONS) || defined(RCUVM_RCU_QSBR)
#define RCUVM_RCU_COUNTS_NESTING
#endif

namespace rcuvm::sync::rcu {

///   reader                       writer                          memory
///   registration                 p.publish(new)      (W1)        old is live
///   { read_section ------+       |                               old is dead: unlinked, still read
///     old = p.load(s) (R1)|      synchronize() ----+
///     ... uses old ...    |        waits for the   |
///   } --------------------+        sections open   |
///                                  at its call ----+             old is nobody's: free it
///
/// Protects   what is reached through rcu::pointer, from its load to the end of the section.
/// Writers    serialized by the caller (write_section), who must unlink first, wait or retire, then free.
/// Readers    registered threads. Progress: wait-free, no store to a shared line; synchronize() blocks.
/// Ordering   rcu.W1-rcu.R1: who loads a pointer sees what was written before it was published.
///            Grace period (liburcu): all of a section that began before synchronize() happens before its return,
///            all before the call of synchronize() happens before a section that ends after its return.
/// Flavours   memb; qsbr, where a thread outside sections must say so now and then: the end of an outermost section
///            does, `offline` does for a wait, and the waits of rcuvm::sync do so by themselves. A long computation
///            without either holds up all grace periods: call announce_quiescent_state() in it.
/// Kernel     rcu_read_lock, synchronize_rcu, rcu_dereference, rcu_assign_pointer.
/// Cost       one to two ns a section. synchronize: a microsecond when nobody reads, else until the readers leave.

namespace detail {

/// What rcuvm keeps per thread beside liburcu's own word. Read by other threads for the diagnosis only.
struct thread_state {
  std::atomic<std::uint32_t> depth{0};  ///< open sections, where counted. guard: stored by its thread alone
  std::atomic<std::uint32_t> waits{0};  ///< of rcuvm::sync, that it is in. guard: stored by its thread alone
  bool is_foreign = false;  ///< the application has registered it with liburcu. guard: its thread alone
  std::uint32_t registrations = 0;             ///< guard: its thread alone
  const unsigned long* reader_word = nullptr;  ///< of liburcu. guard: registry, as all below
  thread_state* next = nullptr;
  thread_state* previous = nullptr;
  int tid = 0;
  char name[32] = {};
  char sections_ended = 0;  ///< TSan's token: only its address matters

  [[nodiscard]] std::uint32_t open_sections() const noexcept { return depth.load(std::memory_order_relaxed); }
  void count_section(std::uint32_t change) noexcept {
    depth.store(open_sections() + change, std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_waiting() const noexcept { return waits.load(std::memory_order_relaxed) != 0; }
  void count_wait(std::uint32_t change) noexcept {
    waits.store(waits.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
};

extern constinit thread_local thread_state this_thread;
extern char grace_period_begun;  ///< TSan's token of all synchronize() calls

/// Of the calling thread, which may be a virtual one.
[[nodiscard]] inline thread_state& own_state() noexcept {
  return checked::is_running() ? checked::current().own_state() : this_thread;
}

}  // namespace detail

/// The calling thread may read from now on. Nests: an application and a library may both register a thread. The name
/// (up to 31 characters are kept) stands in diagnoses. qsbr: starts online. A thread that the application has registered
/// with liburcu itself stays so.
class registration {
 public:
  explicit registration(const char* name = "") noexcept;
  ~registration();
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;
};

/// Whether the calling thread is inside a read section.
[[nodiscard]] inline bool is_in_section() noexcept {
#ifdef RCUVM_RCU_COUNTS_NESTING
  return detail::own_state().open_sections() != 0;
#else
  return liburcu::is_reading();
#endif
}

/// qsbr: this thread holds no pointer from a section. memb: nothing. Inside a section: nothing.
inline void announce_quiescent_state() noexcept {
#ifdef RCUVM_RCU_QSBR
  if (is_in_section() || detail::own_state().registrations == 0 || !liburcu::is_online()) return;
  tsan::release(&detail::own_state().sections_ended);
  liburcu::quiescent_state();
  tsan::acquire(&detail::grace_period_begun);
#endif
}

/// A read section, for a scope. Nests. What is read in it lives until its end; it must not block for long, because all
/// memory retired meanwhile waits for it. Also the token that functions take which must run inside a section.
/// The thread must be registered (asserted with RCUVM_ASSERTIONS).
class read_section {
 public:
  read_section() noexcept {
    RCUVM_ASSERT(detail::own_state().registrations != 0,
                 "a read section of a thread without rcu::registration");
#ifdef RCUVM_RCU_QSBR
    RCUVM_ASSERT(liburcu::is_online(), "a read section of a thread that is offline");
#endif
    if (checked::is_running()) {
      checked::current().begin_section();
    } else {
      liburcu::read_lock();
    }
    tsan::acquire(&detail::grace_period_begun);
#ifdef RCUVM_RCU_COUNTS_NESTING
    detail::own_state().count_section(1);
#endif
#ifdef RCUVM_ASSERTIONS
    owner_ = &detail::own_state();
#endif
  }

  ~read_section() {
#ifdef RCUVM_ASSERTIONS
    RCUVM_CHECK(owner_ == &detail::own_state(), "a read section ended by another thread, or twice");
    owner_ = nullptr;
#endif
#ifdef RCUVM_RCU_COUNTS_NESTING
    detail::own_state().count_section(static_cast<std::uint32_t>(-1));
#endif
    tsan::release(&detail::own_state().sections_ended);
    if (checked::is_running()) {
      checked::current().end_section();
    } else {
      liburcu::read_unlock();
    }
#ifdef RCUVM_RCU_QSBR
    if (!is_in_section()) {
      liburcu::quiescent_state();
      tsan::acquire(&detail::grace_period_begun);
    }
#endif
  }
  read_section(const read_section&) = delete;
  read_section& operator=(const read_section&) = delete;

  /// With RCUVM_ASSERTIONS: still open, and of the calling thread. Without: true.
  [[nodiscard]] bool is_current() const noexcept {
#ifdef RCUVM_ASSERTIONS
    return owner_ == &detail::own_state();
#else
    return true;
#endif
  }

 private:
#ifdef RCUVM_ASSERTIONS
  /// volatile: the store of the destructor must stay, it is what a use after the end is recognized by.
  detail::thread_state* volatile owner_ = nullptr;
#endif
};

/// This thread waits during the scope: it needs no cpu (threads_at_work). qsbr: and reads nothing, so grace periods do not wait for
/// it, but if it is not registered, or in an open section, whose promise goes first.
class offline {
 public:
#ifdef RCUVM_RCU_QSBR
  offline() noexcept
      : was_online_{detail::own_state().registrations != 0 && !is_in_section() && liburcu::is_online()} {
    detail::own_state().count_wait(+1U);
    if (!was_online_) return;
    tsan::release(&detail::own_state().sections_ended);
    liburcu::go_offline();
  }
  ~offline() {
    detail::own_state().count_wait(-1U);
    if (!was_online_) return;
    liburcu::go_online();
    tsan::acquire(&detail::grace_period_begun);
  }
#else
  offline() noexcept { detail::own_state().count_wait(+1U); }
  ~offline() { detail::own_state().count_wait(-1U); }
#endif
  offline(const offline&) = delete;
  offline& operator=(const offline&) = delete;

 private:
#ifdef RCUVM_RCU_QSBR
  bool was_online_;
#endif
};

/// Waits for all sections that are open at the call. The caller need not be registered; inside a section it would wait
/// for itself, so that ends the program, in every build.
void synchronize() noexcept;

/// "memb" or "qsbr".
[[nodiscard]] const char* flavour() noexcept;

/// synchronize() calls that this process has completed.
[[nodiscard]] std::uint64_t grace_periods() noexcept;

/// How often a synchronize() of this process has slept so that readers who had lost their cpu inside a section could leave it.
/// qsbr: never.
[[nodiscard]] std::uint64_t naps() noexcept;

/// A thread that may hold up a grace period.
struct reader_info {
  std::string name;  ///< as given to registration
  int tid;
};

/// Diagnosis: the registered threads that are inside a section now (qsbr: also those that are online and hold up a
/// grace period without being in one). Best effort: they may have left when this returns. May throw std::bad_alloc.
[[nodiscard]] std::vector<reader_info> readers_inside();

/// The registered threads that are not in a wait of rcuvm::sync now: they have a cpu, or want one. Best effort, as above.
[[nodiscard]] std::size_t threads_at_work() noexcept;

/// A pointer that readers follow without a lock.
template <class T>
class pointer {
 public:
  constexpr pointer() noexcept = default;
  constexpr explicit pointer(T* initial) noexcept : to_{initial} {}

  /// Valid until the section ends.
  [[nodiscard]] T* load([[maybe_unused]] const read_section& section) const noexcept {
    RCUVM_ASSERT(section.is_current(), "an RCU-protected pointer read outside the read section of its token");
    return to_.load_acquire();  // rcu.R1 <- rcu.W1
  }

  /// For the one who excludes other writers: it sees its own and its predecessors' publications through its lock.
  [[nodiscard]] T* load_by_writer() const noexcept { return to_.load_relaxed(); }

  /// For one who keeps the object alive by other means (a snapshot, a reference).
  [[nodiscard]] T* load_pinned() const noexcept {
    return to_.load_acquire();  // rcu.R1 <- rcu.W1
  }

  /// From now on readers may follow `to`; what it points to must be complete.
  void publish(T* to) noexcept {
    to_.store_release(to);  // rcu.W1 -> rcu.R1
  }

 private:
  atomic<T*> to_{nullptr};  ///< guard: stored by the writer
};

}  // namespace rcuvm::sync::rcu
