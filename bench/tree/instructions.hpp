// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How many instructions an operation takes, counted by valgrind: the same on every machine and at any load.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/tree/benchmarks.hpp"
#include "bench/tree/workload.hpp"

namespace rcuvm::tree_bench {

/// Calls run(), and prints `name` and `operations` in a line. `./dev bench instructions` runs the program under callgrind with
/// --zero-before and --dump-after of the function that stands around that call: one dump for each line, in the same order.
void count_instructions(const std::string& name, std::size_t operations, const std::function<void()>& run);

/// Everything that a rival can do, on `on`. Changes without what other threads do to free the dead. Nothing of a rival that is
/// compiled for this machine alone: valgrind may not know its instructions.
template <rival Rival>
void count_all_instructions(const std::shared_ptr<workload>& on) {
  if constexpr (requires { Rival::is_for_this_machine; }) return;
  Rival of;
  of.build(on->insertion_order());
  const distribution which = on->distributions().front();
  const keys some = on->keys_of(which).first(lookups_at_a_time);
  const auto lookups = [&](std::string_view what, auto loop) {
    count_instructions(name_of_lookup<Rival>(what, which, *on), some.size(),
                       [&] { benchmark::DoNotOptimize(loop()); });
  };
  lookups("find_dependent", [&] { return of.find_dependent(some); });
  lookups("find_each", [&] { return of.find_each(some); });
  lookups("find_all", [&] { return of.find_all(some); });
  if constexpr (finds_many<Rival>) {
    std::vector<const record*> found(some.size());
    lookups("find_many", [&] {
      of.find_many(some, found);
      return found.data();
    });
  }
  count_instructions(name_of_benchmark<Rival>("walk", *on), on->size(), [&] {
    std::size_t entries = 0;
    benchmark::DoNotOptimize(of.walk(entries));
  });
  if constexpr (finds_gaps<Rival>) {
    const auto wanted = on->gap_requests(gap_side::lowest);
    const auto few = wanted.first(std::min<std::size_t>(wanted.size(), 256));
    count_instructions(name_of_benchmark<Rival>("lowest_gap", *on), few.size(),
                       [&] { benchmark::DoNotOptimize(of.find_gaps(gap_side::lowest, few, nullptr)); });
  }
  if constexpr (changes<Rival>) {
    const records all = on->change_order();
    const records changed = all.first(std::min<std::size_t>(all.size(), 1000));
    count_instructions(name_of_benchmark<Rival>("replace", *on), 2 * changed.size(), [&] {
      of.replace(changed);
      of.drain();
    });
  }
}

}  // namespace rcuvm::tree_bench
