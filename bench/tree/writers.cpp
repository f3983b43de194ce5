// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/writers.hpp"

#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "bench/tree/benchmarks.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/thread.hpp"
#include "rcuvm/tree/group_commit.hpp"

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

/// Changes of several writers may be one version.
class together {
 public:
  static constexpr std::string_view name = "group";

  void store(range where, const record* value) {
    reclaim::limbo::process().throttle();
    expect(group_.store(where, value));
  }

 private:
  tree tree_;
  rcuvm::tree::group_commit<const record> group_{tree_};
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
