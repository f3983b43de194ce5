// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Threads that may read under RCU.

#include <cstdint>
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
