// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/writers.hpp"

#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/tree/benchmarks.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::tree_bench {

namespace {

using tree = maple_tree<const record>;

void expect(const result<void>& done) {
  if (!done) throw std::runtime_error{"rcuvm::maple_tree: " + std::string{done.error().name()}};
}

/// Each change is a version.
class one_by_one {
 public:
  static constexpr std::string_view name = "lock";

  void store(range where, const record* value) {
    reclaim::limbo::process().throttle();
    const sync::write_section writing{lock_};
    auto change = tree_.begin(writing);
    expect(change.store(where, value));
    change.commit();
  }

 private:
  sync::mutex lock_;
  tree tree_;
};

/// Who finds nobody waiting leads: it publishes, in one version, what has come in until it has the writer lock.
///
///   A   queue: empty ── lock ─────────────── take [A B C] ── publish ── A, B, C are done ── unlock
///   B   queue: behind A ── waits ·····································┤
///   C          queue: behind B ── waits ······························┤
///
/// Ordering   group.D1 -> group.D2: who is told that it is done sees the version with its change.
/// Source     flat combining (Hendler, Incze, Shavit, Tzafrir, SPAA 2010), the group commit of databases.
class together {
 public:
  static constexpr std::string_view name = "group";

  void store(range where, const record* value) {
    reclaim::limbo::process().throttle();
    request mine{.where = where, .value = value};
    if (enqueue(mine)) return lead();
    constexpr unsigned spins =
        4096;  // a commit is as long; yielding at once costs each follower a system call
    for (unsigned tries = 0; !mine.is_done.load_acquire(); ++tries) {  // group.D2 <- group.D1
      if (tries < spins) {
        sync::relax();
      } else {
        sync::yield();
      }
    }
  }

 private:
  struct request {
    range where;
    const record* value;
    request* later = nullptr;           ///< guard: queue_lock_; after that the leader's
    sync::atomic<bool> is_done{false};  ///< guard: stored by the leader
  };

  /// True: it is the first.
  [[nodiscard]] bool enqueue(request& mine) {
    const sync::mutex_guard held{queue_lock_};
    request** const place = last_ == nullptr ? &first_ : &last_->later;
    *place = &mine;
    return std::exchange(last_, &mine) == nullptr;
  }
  void lead() {
    const sync::write_section writing{lock_};
    request* group = nullptr;
    {
      const sync::mutex_guard held{queue_lock_};
      group = std::exchange(first_, nullptr);
      last_ = nullptr;
    }
    auto change = tree_.begin(writing);
    for (const request* one = group; one != nullptr; one = one->later)
      expect(change.store(one->where, one->value));
    change.commit();
    while (group != nullptr) {
      request& done = *std::exchange(group, group->later);
      done.is_done.store_release(true);  // group.D1 -> group.D2; it may be gone from here on
    }
  }

  sync::mutex lock_;
  tree tree_;
  sync::mutex queue_lock_;
  request* first_ = nullptr;  ///< guard: queue_lock_
  request* last_ = nullptr;   ///< guard: queue_lock_
};

constexpr std::size_t changes_at_a_time = 20'000;  // of each writer

/// A tree with the workload's ranges, from its first use on.
template <class Tree>
class filled {
 public:
  explicit filled(std::shared_ptr<workload> from) : from_{std::move(from)} {}

  [[nodiscard]] Tree& get() {
    if (tree_ == nullptr) {
      tree_ = std::make_unique<Tree>();
      for (const record* one : from_->insertion_order()) tree_->store(one->where, one);
    }
    return *tree_;
  }

 private:
  std::shared_ptr<workload> from_;
  std::unique_ptr<Tree> tree_;
};

template <class Tree>
void measure(benchmark::State& state, Tree& of, records all, unsigned writers) {
  const std::size_t dealt = all.size() - all.size() % writers;
  const account counted;
  for ([[maybe_unused]] auto each : state) {
    std::vector<sync::thread> threads;
    for (unsigned self = 0; self < writers; ++self) {
      threads.emplace_back("writer", [&, self] {
        for (std::size_t i = 0, at = self; i < changes_at_a_time; i += 2, at += writers) {
          const record& one = *all[at % dealt];
          of.store(one.where, nullptr);
          of.store(one.where, &one);
        }
      });
    }
    threads.clear();
    reclaim::limbo::process().drain();
  }
  counted.close(state,
                static_cast<double>(state.iterations()) * static_cast<double>(writers * changes_at_a_time));
}

template <class Tree>
void add(const std::shared_ptr<workload>& on) {
  const auto trees = std::make_shared<filled<Tree>>(on);
  for (const unsigned writers : {1U, 2U, 4U}) {
    add_benchmark("writers_" + std::to_string(writers) + "_" + std::string{Tree::name} + "/" + on->name(),
                  [on, trees, writers](benchmark::State& state) {
                    measure(state, trees->get(), on->change_order(), writers);
                  })
        ->MeasureProcessCPUTime();
  }
}

}  // namespace

void add_writer_benchmarks(const std::shared_ptr<workload>& on) {
  add<one_by_one>(on);
  add<together>(on);
}

}  // namespace rcuvm::tree_bench
