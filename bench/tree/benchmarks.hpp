// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Each benchmark, once, for every rival that can do it.
///
/// Names     WHAT/KEYS/DATA/RIVAL, as find_dependent/uniform/30000/kernel; WHAT/DATA/RIVAL where no keys are looked up.
/// Counters  ns: CPU time of one lookup, one change, one search or one entry of a walk. Lookups count the measuring
///           thread alone; changes count all threads of the process, so that what frees the dead is paid for too.
///           wall_ns: the same by the clock, with all waits. bytes: of index for each range; bytes_worn is
///           the same after heavy churn.
/// Cost      a lookup benchmark first makes some untimed, so that what fits into the caches is there.
///
/// A rival is built when a benchmark of it first runs. Lookups, walks and searches use one that was only built; changes
/// and lookups beside a writer use a second one, so that they do not wear out the first.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>

#include "bench/tree/workload.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::tree_bench {

/// A rival that holds a workload's ranges, from its first use on.
template <rival Rival>
class built {
 public:
  explicit built(std::shared_ptr<workload> from) noexcept : from_{std::move(from)} {}

  [[nodiscard]] Rival& get() {
    if (rival_ == nullptr) {
      rival_ = std::make_unique<Rival>();
      rival_->build(from_->insertion_order());
    }
    return *rival_;
  }

 private:
  std::shared_ptr<workload> from_;
  std::unique_ptr<Rival> rival_;
};

/// Keys, records or requests that are dealt out in pieces, again and again.
template <class Item>
class dealer {
 public:
  dealer(std::span<const Item> all, std::size_t piece) noexcept
      : all_{all}, piece_{std::min(all.size(), piece)} {}

  [[nodiscard]] std::span<const Item> next() noexcept {
    if (at_ + piece_ > all_.size()) at_ = 0;
    const auto dealt = all_.subspan(at_, piece_);
    at_ += piece_;
    return dealt;
  }
  [[nodiscard]] std::size_t piece() const noexcept { return piece_; }

 private:
  std::span<const Item> all_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

/// CPU time of the calling thread.
[[nodiscard]] inline double thread_cpu_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Sets the counters of a benchmark that has done `operations`.
class account {
 public:
  account() noexcept = default;
  void close(benchmark::State& state, double operations) const {
    const double wall_ns = static_cast<double>(sync::now_ns() - began_ns_);
    state.counters["ns"] =
        benchmark::Counter{operations / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert};
    state.counters["wall_ns"] = operations == 0 ? 0 : wall_ns / operations;
  }

 private:
  std::uint64_t began_ns_ = sync::now_ns();
};

// --- readers ----------------------------------------------------------------------------------------------

inline constexpr std::size_t lookups_at_a_time = 4096;

template <class Rival, class Loop>
void measure_lookups(benchmark::State& state, const Rival& of, std::size_t ranges, keys wanted, Loop loop) {
  const std::size_t warm_up = std::clamp(4 * ranges, 4 * lookups_at_a_time, wanted.size() / 2);
  benchmark::DoNotOptimize(loop(of, wanted.first(warm_up)));
  dealer<std::uint64_t> pieces{wanted, lookups_at_a_time};
  const account counted;
  for ([[maybe_unused]] auto each : state) benchmark::DoNotOptimize(loop(of, pieces.next()));
  counted.close(state, static_cast<double>(state.iterations()) * static_cast<double>(pieces.piece()));
}

template <class Rival>
void measure_find_many(benchmark::State& state, const Rival& of, std::size_t ranges, keys wanted) {
  std::vector<const record*> found(lookups_at_a_time);
  measure_lookups(state, of, ranges, wanted, [&](const Rival& rival, keys some) {
    for (std::size_t done = 0; done < some.size(); done += found.size()) {
      const keys piece = some.subspan(done, std::min(found.size(), some.size() - done));
      rival.find_many(piece, std::span{found}.first(piece.size()));
    }
    benchmark::DoNotOptimize(found.data());
    benchmark::ClobberMemory();
    return address_of(found.front());
  });
}

/// Erases and stores at random places from its start to its end, at full speed, on a thread of its own.
template <changes Rival>
class busy_writer {
 public:
  busy_writer(Rival& of, records all, std::size_t at_a_time)
      : pieces_{all, at_a_time}, thread_{"busy writer", [this, &of] {
                                           while (!is_over_.load_relaxed()) {
                                             of.replace(pieces_.next());
                                             changes_.fetch_add_relaxed(2 * pieces_.piece());
                                           }
                                         }} {}
  ~busy_writer() { is_over_.store_relaxed(true); }
  busy_writer(const busy_writer&) = delete;
  busy_writer& operator=(const busy_writer&) = delete;

  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_.load_relaxed(); }

 private:
  dealer<const record*> pieces_;  ///< guard: the thread
  sync::atomic<bool> is_over_{false};
  sync::atomic<std::uint64_t> changes_{0};
  sync::thread thread_;
};

/// How many records are erased and stored between two looks at the clock, or at the end: some milliseconds of work.
template <class Rival>
[[nodiscard]] std::size_t changes_at_a_time(std::size_t ranges) {
  if constexpr (requires { Rival::copies_everything; })
    return std::clamp<std::size_t>((std::size_t{1} << 21U) / ranges, 1, 4096);
  return 4096;
}

/// As measure_lookups(), while a writer keeps changing what is looked up. Waits for him count in wall_ns alone.
template <class Rival, class Loop>
void measure_lookups_beside_writer(benchmark::State& state, Rival& of, records all, keys wanted, Loop loop) {
  {
    const std::size_t at_a_time = std::max<std::size_t>(1, changes_at_a_time<Rival>(all.size()) / 64);
    const busy_writer<Rival> writer{of, all, at_a_time};
    const std::uint64_t began_ns = sync::now_ns();
    measure_lookups(state, of, all.size(), wanted, loop);
    const double seconds = static_cast<double>(sync::now_ns() - began_ns) / 1e9;
    state.counters["changes_per_s"] = static_cast<double>(writer.changes()) / seconds;
  }
  of.drain();
}

template <class Rival>
void measure_walk(benchmark::State& state, const Rival& of) {
  std::size_t entries = 0;
  benchmark::DoNotOptimize(of.walk(entries));
  entries = 0;
  const account counted;
  for ([[maybe_unused]] auto each : state) benchmark::DoNotOptimize(of.walk(entries));
  counted.close(state, static_cast<double>(entries));
}

template <class Rival>
void measure_gaps(benchmark::State& state, const Rival& of, gap_side side,
                  std::span<const gap_request> wanted) {
  if (wanted.empty()) return state.SkipWithError("no gaps between the ranges");
  benchmark::DoNotOptimize(of.find_gaps(side, wanted, nullptr));
  dealer<gap_request> pieces{wanted, 256};
  const account counted;
  for ([[maybe_unused]] auto each : state)
    benchmark::DoNotOptimize(of.find_gaps(side, pieces.next(), nullptr));
  counted.close(state, static_cast<double>(state.iterations()) * static_cast<double>(pieces.piece()));
}

// --- writers ----------------------------------------------------------------------------------------------

inline constexpr std::size_t changes_of_a_transaction = 100;

/// Every change published, and all that it outdated freed before the clock is stopped. `at_a_time` records are replaced
/// before that is waited for, however few there are.
template <class Rival, class Loop>
void measure_changes(benchmark::State& state, Rival& of, records all, std::size_t at_a_time, Loop loop) {
  dealer<const record*> pieces{all, at_a_time};
  const std::size_t pieces_at_a_time = (at_a_time + pieces.piece() - 1) / pieces.piece();
  double writer_ns = 0;
  const account counted;
  for ([[maybe_unused]] auto each : state) {
    const double began = thread_cpu_ns();
    for (std::size_t i = 0; i < pieces_at_a_time; ++i) loop(of, pieces.next());
    writer_ns += thread_cpu_ns() - began;
    of.drain();
  }
  const double changes =
      2.0 * static_cast<double>(state.iterations()) * static_cast<double>(pieces_at_a_time * pieces.piece());
  counted.close(state, changes);
  state.counters["writer_ns"] = writer_ns / changes;
}

// --- memory -----------------------------------------------------------------------------------------------

/// Erases a random half and stores it again, in another order each time.
template <changes Rival>
void wear_out(Rival& of, const workload& on) {
  constexpr unsigned rounds = 4;
  for (unsigned round = 0; round < rounds; ++round) {
    const auto leaving = shuffled(on.data(), 2 * round + 100);
    const auto coming = shuffled(on.data(), 2 * round + 101);
    const std::span half = std::span{leaving}.first(leaving.size() / 2);
    if constexpr (requires { Rival::copies_everything; }) {
      of.replace_together(half);
    } else {
      of.erase_each(half);
      std::vector<const record*> rest{half.begin(), half.end()};
      std::ranges::sort(rest);
      std::vector<const record*> back;
      for (const record* one : coming)
        if (std::ranges::binary_search(rest, one)) back.push_back(one);
      of.store_each(back);
    }
    of.drain();
  }
}

template <rival Rival>
void measure_bytes(benchmark::State& state, const Rival& of, std::size_t ranges) {
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto each : state) bytes = of.bytes();
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(ranges);
}

/// Of a rival of its own.
template <changes Rival>
void measure_bytes_worn(benchmark::State& state, workload& on) {
  Rival of;
  of.build(on.insertion_order());
  wear_out(of, on);
  measure_bytes(state, of, on.size());
}

/// Wearing out is several rounds of changes to half of all ranges: beyond this size it would take minutes.
inline constexpr std::size_t most_ranges_worn_out = 200'000;

// --- all of a rival ---------------------------------------------------------------------------------------

template <class Loop>
benchmark::internal::Benchmark* add_benchmark(const std::string& name, Loop loop) {
  return benchmark::RegisterBenchmark(name.c_str(), loop);
}

/// WHAT/KEYS/DATA/RIVAL.
template <rival Rival>
[[nodiscard]] std::string name_of_lookup(std::string_view what, distribution which, const workload& on) {
  return std::string{what} + "/" + std::string{name_of(which)} + "/" + on.name() + "/" +
         std::string{Rival::name};
}
template <rival Rival>
[[nodiscard]] std::string name_of_benchmark(std::string_view what, const workload& on) {
  return std::string{what} + "/" + on.name() + "/" + std::string{Rival::name};
}

template <rival Rival>
void add_lookups(const std::shared_ptr<workload>& on, const std::shared_ptr<built<Rival>>& fresh) {
  for (const distribution which : on->distributions()) {
    const auto add = [&](std::string_view what, auto loop) {
      add_benchmark(name_of_lookup<Rival>(what, which, *on), [=](benchmark::State& state) {
        measure_lookups(state, fresh->get(), on->size(), on->keys_of(which), loop);
      });
    };
    add("find_dependent", [](const Rival& of, keys some) { return of.find_dependent(some); });
    add("find_each", [](const Rival& of, keys some) { return of.find_each(some); });
    add("find_all", [](const Rival& of, keys some) { return of.find_all(some); });
    if constexpr (finds_many<Rival>) {
      add_benchmark(name_of_lookup<Rival>("find_many", which, *on), [=](benchmark::State& state) {
        measure_find_many(state, fresh->get(), on->size(), on->keys_of(which));
      });
    }
  }
}

template <rival Rival>
void add_searches(const std::shared_ptr<workload>& on, const std::shared_ptr<built<Rival>>& fresh) {
  add_benchmark(name_of_benchmark<Rival>("walk", *on),
                [=](benchmark::State& state) { measure_walk(state, fresh->get()); });
  if constexpr (finds_gaps<Rival>) {
    for (const gap_side side : {gap_side::lowest, gap_side::highest}) {
      const std::string_view what = side == gap_side::lowest ? "lowest_gap" : "highest_gap";
      add_benchmark(name_of_benchmark<Rival>(what, *on), [=](benchmark::State& state) {
        measure_gaps(state, fresh->get(), side, on->gap_requests(side));
      });
    }
  }
}

template <rival Rival>
void add_changes(const std::shared_ptr<workload>& on, const std::shared_ptr<built<Rival>>& worn) {
  const std::size_t at_a_time = changes_at_a_time<Rival>(on->size());
  const auto add = [&](std::string_view what, records (workload::*order)(), std::size_t piece, auto loop) {
    add_benchmark(name_of_benchmark<Rival>(what, *on), [=](benchmark::State& state) {
      measure_changes(state, worn->get(), (*on.*order)(), piece, loop);
    })->MeasureProcessCPUTime();
  };
  const auto in_transactions = [](Rival& of, records some) {
    for (std::size_t done = 0; done < some.size(); done += changes_of_a_transaction)
      of.replace_together(some.subspan(done, std::min(changes_of_a_transaction, some.size() - done)));
  };
  add("replace", &workload::change_order, at_a_time, [](Rival& of, records some) { of.replace(some); });
  add("transaction", &workload::change_order, std::max(at_a_time, changes_of_a_transaction), in_transactions);
  add("transaction_near", &workload::rising_order, std::max(at_a_time, changes_of_a_transaction),
      in_transactions);

  const distribution which = on->distributions().front();
  const auto add_beside = [&](std::string_view what, auto loop) {
    add_benchmark(name_of_lookup<Rival>(what, which, *on), [=](benchmark::State& state) {
      measure_lookups_beside_writer(state, worn->get(), on->change_order(), on->keys_of(which), loop);
    });
  };
  add_beside("find_dependent_beside_writer",
             [](const Rival& of, keys some) { return of.find_dependent(some); });
  add_beside("find_each_beside_writer", [](const Rival& of, keys some) { return of.find_each(some); });
}

/// Registers all benchmarks of a rival on a workload.
template <rival Rival>
void add_benchmarks(const std::shared_ptr<workload>& on) {
  const auto fresh = std::make_shared<built<Rival>>(on);
  add_lookups<Rival>(on, fresh);
  add_searches<Rival>(on, fresh);
  if constexpr (changes<Rival>) add_changes<Rival>(on, std::make_shared<built<Rival>>(on));
  add_benchmark(name_of_benchmark<Rival>("bytes", *on),
                [=](benchmark::State& state) { measure_bytes(state, fresh->get(), on->size()); })
      ->Iterations(1)
      ->Repetitions(1);
  if constexpr (changes<Rival>) {
    if (on->size() > most_ranges_worn_out) return;
    add_benchmark(name_of_benchmark<Rival>("bytes_worn", *on),
                  [=](benchmark::State& state) { measure_bytes_worn<Rival>(state, *on); })
        ->Iterations(1)
        ->Repetitions(1);
  }
}

}  // namespace rcuvm::tree_bench
