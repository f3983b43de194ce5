// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Threads that work on one address space at the same time, each with its cpu.

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <utility>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/mm/picture.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::mm::testing {

/// How long the threads of one test run.
inline constexpr std::uint64_t crew_ns = 80'000'000;

/// Runs bodies over and over, until the time is over or one of them sees something wrong.
class crew {
 public:
  explicit crew(world& in) : world_{in} {}

  /// body(cpu, round) on a thread of its own, again and again.
  void add(std::string name, std::function<void(vm::cpu&, std::uint64_t)> body) {
    bodies_.emplace_back(std::move(name), std::move(body));
  }

  /// Starts all, and returns when the time is over and something right has been seen, however loaded the machine.
  void work(std::uint64_t nanoseconds = crew_ns) {
    constexpr std::uint64_t patience_ns = 10'000'000'000;
    std::list<sync::thread> threads;
    for (auto& each : bodies_) {
      threads.emplace_back(each.first, [this, &body = each.second] {
        vm::cpu cpu{world_.machine};
        std::uint64_t round = 0;
        do body(cpu, round++);
        while (is_over_.load_acquire() == 0);
      });
    }
    const std::uint64_t begun = sync::now_ns();
    const auto goes_on = [&] {
      const std::uint64_t passed = sync::now_ns() - begun;
      return is_over_.load_acquire() == 0 && (passed < nanoseconds || (right() == 0 && passed < patience_ns));
    };
    while (goes_on()) sync::sleep_ns(1'000'000);
    is_over_.store_release(1);
  }

  /// Counts what must not happen, from any thread; ends the work.
  void saw_wrong() {
    wrong_.fetch_add_relaxed(1);
    is_over_.store_release(1);
  }
  void saw_right() { right_.fetch_add_relaxed(1); }
  [[nodiscard]] std::uint64_t wrong() const { return wrong_.load_relaxed(); }
  [[nodiscard]] std::uint64_t right() const { return right_.load_relaxed(); }

 private:
  world& world_;
  std::list<std::pair<std::string, std::function<void(vm::cpu&, std::uint64_t)>>> bodies_;
  sync::atomic<std::uint32_t> is_over_{0};
  sync::atomic<std::uint64_t> wrong_{0};
  sync::atomic<std::uint64_t> right_{0};
};

/// The number in the page at `at`; the errno instead when it cannot be read.
template <class Space>
[[nodiscard]] result<std::uint64_t> load_number(Space& space, vm::cpu& cpu, address at) {
  std::uint64_t number = 0;
  const auto done = space.read(cpu, at, std::as_writable_bytes(std::span{&number, 1}));
  if (!done) return std::unexpected{done.error()};
  return number;
}
template <class Space>
[[nodiscard]] result<void> store_number(Space& space, vm::cpu& cpu, address at, std::uint64_t number) {
  return space.write(cpu, at, std::as_bytes(std::span{&number, 1}));
}

}  // namespace rcuvm::mm::testing
