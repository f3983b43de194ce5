// SPDX-License-Identifier: Apache-2.0

/// Random calls: all designs must agree with each other to the byte, and with the page-by-page oracle.

#include <gtest/gtest.h>

#include <vector>

#include "tests/mm/calls.hpp"
#include "tests/mm/oracle.hpp"

namespace rcuvm::mm::testing {
namespace {

constexpr std::uint64_t seeds = 20;
constexpr std::uint64_t calls_of_a_seed = 2000;
constexpr std::size_t most_processes = 4;

/// What came of each call, and what everything looked like afterwards.
using protocol = std::vector<std::string>;

/// One seed's calls on a tree of processes under one design.
template <class Design>
class run {
 public:
  run(std::uint64_t seed, bool with_stacks) : random_{seed}, with_stacks_{with_stacks} {
    processes_.emplace_back(world_, "", arena);
    processes_.back().space().set_limits(arena_limits);
    processes_.back().space().set_break(page_at(heap_page - 1) + 5);
    oracles_.emplace_back(std::make_shared<page_object>());
  }

  protocol go(std::uint64_t calls) {
    for (std::uint64_t i = 0; i < calls && !::testing::Test::HasFailure(); ++i) step(i);
    processes_.clear();
    EXPECT_EQ(world_.leaks(), "");
    return std::move(said_);
  }

 private:
  void step(std::uint64_t number) {
    const std::size_t which = draw(random_, processes_.size());
    const std::uint64_t chance = draw(random_, 100);
    if (chance == 0 && processes_.size() < most_processes) {
      processes_.push_back(processes_[which].fork());
      oracles_.push_back(oracles_[which].fork());
      said_.push_back("fork");
    } else if (chance == 1 && processes_.size() > 1) {
      processes_[which].space().exit(processes_[which].cpu());
      EXPECT_EQ(describe_maps(processes_[which]), "");
      processes_.erase(processes_.begin() + static_cast<std::ptrdiff_t>(which));
      oracles_.erase(oracles_.begin() + static_cast<std::ptrdiff_t>(which));
      said_.push_back("exit");
    } else {
      const call wanted = draw_call(random_, with_stacks_);
      const extent around = mappings_around(processes_[which], wanted);
      const std::string got = perform(processes_[which], wanted);
      said_.push_back(describe(wanted) + ": " + got + "\n" + describe_maps(processes_[which]));
      if (!with_stacks_) {
        EXPECT_EQ(got, oracles_[which].perform(wanted, got, around))
            << "call " << number << ": " << describe(wanted);
      }
    }
    if (number % 16 == 0) compare_data();
  }

  void compare_data() {
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      said_.push_back(processes_[i].text());
      if (with_stacks_) continue;
      EXPECT_EQ(said_.back(), oracles_[i].text()) << "process " << i << " after\n" << last_calls();
    }
  }

  [[nodiscard]] std::string last_calls() const {
    std::string text;
    for (std::size_t at = said_.size() - std::min<std::size_t>(said_.size(), 24); at < said_.size(); ++at) {
      text += said_[at].substr(0, said_[at].find('\n')) + "\n";
    }
    return text;
  }

  random_engine random_;
  bool with_stacks_;
  world world_;
  std::vector<process<Design>> processes_;
  std::vector<oracle> oracles_;
  protocol said_;
};

TEST(random_calls, give_the_same_maps_data_and_errors_under_all_designs_and_by_the_oracle) {
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const std::uint64_t seed = tree::testing::seed_or(1) + i;
    SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
    const bool with_stacks = i % 4 == 3;  // the oracle knows no stacks
    protocol expected;
    designs::for_each([&]<class Design> {
      if (HasFailure()) return;
      SCOPED_TRACE(Design::name);
      const protocol got = run<Design>{seed, with_stacks}.go(tree::testing::scaled(calls_of_a_seed));
      if (expected.empty()) expected = got;
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t at = 0; at < got.size(); ++at) {
        ASSERT_EQ(got[at], expected[at])
            << "differs from " << designs::names().front() << " after " << (at == 0 ? "" : expected[at - 1]);
      }
    });
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace rcuvm::mm::testing
