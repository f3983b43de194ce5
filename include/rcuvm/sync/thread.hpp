// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Threads that may read under RCU.

#include <sched.h>

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::sync {

/// A thread that is registered with RCU for its life and joined at the latest by the destructor. The operating system
/// shows the first 15 characters of the name. Throws std::system_error when there can be no more threads.
class thread {
 public:
  template <class Body>
  thread(std::string name, Body body) {
    auto registered = [name, body = std::move(body)]() mutable {
      const rcu::registration here{name.c_str()};
      body();
    };
    if (checked::is_running()) {
      virtual_ = checked::current().start_thread(name.c_str(), std::move(registered));
      return;
    }
    native_ = std::thread{[name = std::move(name), registered = std::move(registered)]() mutable {
      show_name(name.c_str());
      registered();
    }};
  }
  thread(thread&&) noexcept = default;
  thread& operator=(thread&&) = delete;
  ~thread() { join(); }

  /// Waits for the end of the body, offline (rcu.hpp). A second call does nothing.
  void join() noexcept;

 private:
  static void show_name(const char* name) noexcept;

  std::thread native_;
  int virtual_ = -1;  ///< under the explorer: its number. guard: immutable
};

/// CPUs that this process may use, at least 1.
[[nodiscard]] unsigned hardware_threads() noexcept;

/// The cpu that the caller was on when it asked. Cost: a few ns.
[[nodiscard]] unsigned current_cpu() noexcept;

/// Where a thread of the library may run. For that thread alone.
class placement {
 public:
  /// Takes the calling thread's cpus for those that it may ever use.
  placement() noexcept;
  /// On that cpu only, if it is one of them; none: on all of them. A cpu that has gone changes nothing. Cost: nothing when the
  /// thread is placed so already, else a system call and perhaps a migration.
  void move_to(std::optional<unsigned> cpu) noexcept;
  /// How many it may ever use; more than there can be where that is not known.
  [[nodiscard]] unsigned cpus() const noexcept;

 private:
  cpu_set_t all_;  ///< empty where there are more cpus than it can name: then the thread stays as it is
  std::optional<unsigned> only_;
};

/// Lets other threads run. qsbr: also announces a quiescent state, so that a loop around it holds up nobody.
void yield() noexcept;

/// Sleeps, offline (rcu.hpp), for at least this long.
void sleep_ns(std::uint64_t nanoseconds) noexcept;

/// The operating system's number of the calling thread. Cost: a system call.
[[nodiscard]] int current_tid() noexcept;

/// A number that no two living threads share. Cost: no memory access.
[[nodiscard]] inline std::uintptr_t current_thread_key() noexcept {
  return reinterpret_cast<std::uintptr_t>(&rcu::detail::own_state());
}

}  // namespace rcuvm::sync
