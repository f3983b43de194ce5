// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The seam between this floor and the explorer (explore/).
///
/// In the checked build (RCUVM_CHECKED) each atomic access, lock, wait, RCU call, allocation and free of a virtual thread
/// goes through the scheduler that runs it. Elsewhere, and on a thread that no scheduler runs, the calls below are empty:
/// the same source is the library and the thing that is proved.

#include <cstddef>
#include <cstdint>
#include <functional>

namespace rcuvm::sync::rcu::detail {
struct thread_state;
}

namespace rcuvm::sync::checked {

#ifdef RCUVM_EXPLORED
inline constexpr bool is_explored = true;
#else
inline constexpr bool is_explored = false;
#endif

/// A capacity: `whole` in the product, `small` in the explorer's own library, where few steps must reach every case.
template <class T>
[[nodiscard]] constexpr T sized(T whole, T small) noexcept {
  return is_explored ? small : whole;
}

enum class access : std::uint8_t { load, store, update };
enum class order : std::uint8_t { relaxed, acquire, release, acq_rel, seq_cst };
enum class sharing : std::uint8_t { exclusive, shared };

/// What runs virtual threads. Each call returns when the calling virtual thread may go on; a call that finds a broken
/// promise does not return. Objects are known by their address.
///
/// Threads   the one operating-system thread that runs all virtual threads.
class scheduler {
 public:
  scheduler() = default;
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// Before an access to an atomic word; the caller makes it when this returns.
  virtual void touch(const void* word, std::size_t bytes, access how, order with) noexcept = 0;
  /// The value that the last touch() of this thread has read or written, for the story.
  virtual void show(std::uint64_t value) noexcept = 0;
  virtual void fence(order with) noexcept = 0;
  /// A call into a library's object that orders by itself (a queue): a step like an access to a word.
  virtual void use(const void* object, std::size_t bytes, access how) noexcept = 0;
  /// Happens-before edges drawn by hand, as for ThreadSanitizer.
  virtual void acquire(const void* token) noexcept = 0;
  virtual void release(const void* token) noexcept = 0;

  virtual void lock(const void* what, sharing how) noexcept = 0;
  [[nodiscard]] virtual bool try_lock(const void* what, sharing how) noexcept = 0;
  virtual void unlock(const void* what, sharing how) noexcept = 0;

  virtual void wait(const void* condition, const void* mutex) noexcept = 0;
  /// False: the time is over.
  [[nodiscard]] virtual bool wait_for_ns(const void* condition, const void* mutex,
                                         std::uint64_t nanoseconds) noexcept = 0;
  virtual void notify_one(const void* condition) noexcept = 0;
  virtual void notify_all(const void* condition) noexcept = 0;

  virtual void begin_section() noexcept = 0;
  virtual void end_section() noexcept = 0;
  virtual void synchronize() noexcept = 0;
  [[nodiscard]] virtual rcu::detail::thread_state& own_state() noexcept = 0;

  [[nodiscard]] virtual int start_thread(const char* name, std::function<void()> body) noexcept = 0;
  virtual void join(int thread) noexcept = 0;
  /// Goes on when another thread has changed something that this one has read since its last yield.
  virtual void yield() noexcept = 0;
  [[nodiscard]] virtual std::uint64_t now_ns() noexcept = 0;
  virtual void sleep_ns(std::uint64_t nanoseconds) noexcept = 0;

  [[nodiscard]] virtual void* allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
  virtual void deallocate(void* object) noexcept = 0;

  /// A broken check of the product.
  virtual void fail(const char* what, const char* file, int line) noexcept = 0;

 protected:
  ~scheduler() = default;
};

#ifdef RCUVM_CHECKED

/// Null on every thread that no scheduler runs.
extern constinit thread_local scheduler* running;

[[nodiscard]] inline bool is_running() noexcept { return running != nullptr; }
/// Only where is_running().
[[nodiscard]] inline scheduler& current() noexcept { return *running; }
inline void touch(const void* word, std::size_t bytes, access how, order with) noexcept {
  if (running != nullptr) running->touch(word, bytes, how, with);
}
inline void use(const void* object, std::size_t bytes, access how) noexcept {
  if (running != nullptr) running->use(object, bytes, how);
}

#else

// What stands behind is_running() is compiled in every build, and removed in this one.
[[nodiscard]] constexpr bool is_running() noexcept { return false; }
[[nodiscard]] inline scheduler& current() noexcept { __builtin_unreachable(); }
constexpr void touch(const void*, std::size_t, access, order) noexcept {}
constexpr void use(const void*, std::size_t, access) noexcept {}

#endif

}  // namespace rcuvm::sync::checked
