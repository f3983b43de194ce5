// SPDX-License-Identifier: Apache-2.0

/// The partial-order reduction leaves out no outcome: against plain depth-first search, on random programs.

#include "explore/search/reduction.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "explore/engine/world.hpp"
#include "explore/search/depth_first.hpp"
#include "tests/explore/random_program.hpp"

namespace rcuvm::explore {
namespace {

// --- the two searches -------------------------------------------------------------------------------------

/// Everybody at every moment: nothing to understand, hence the judge.
class plain_depth_first final : public search {
 public:
  void begin_run() override { depth_ = 0; }
  int pick(const moment& m) override {
    // That such a step may as well be first is a claim of all searches; a stride of the fuzz checks it.
    if (!tries_silent_steps && has(m.enabled, m.current) &&
        m.next[static_cast<unsigned>(m.current)].how == conflict::none) {
      return m.current;
    }
    return std::has_single_bit(m.enabled) ? std::countr_zero(m.enabled) : next_of(m.enabled);
  }
  int choose(int count) override { return next_of(only(count) - 1); }
  bool end_run() override {
    while (!path_.empty() && path_.back().left == 0) path_.pop_back();
    if (path_.empty()) return false;
    path_.back().chosen = std::countr_zero(path_.back().left);
    path_.back().left &= path_.back().left - 1;
    return true;
  }
  [[nodiscard]] bool is_exhaustive() const override { return true; }

  bool tries_silent_steps = false;

 private:
  struct node {
    thread_set options;
    thread_set left;
    int chosen;
  };
  int next_of(thread_set options) {
    if (depth_ == path_.size())
      path_.push_back({options, options & (options - 1), std::countr_zero(options)});
    const node& here = path_[depth_++];
    return here.options == options ? here.chosen : lost;
  }
  std::vector<node> path_;
  std::size_t depth_ = 0;
};

struct outcomes {
  std::set<std::string> ends;    ///< of runs that came to their end, and of deadlocks
  std::set<std::string> breaks;  ///< findings that cut a run short
  std::uint64_t schedules = 0;
  bool is_complete = false;
};

/// No early end at a finding.
outcomes outcomes_of(world& here, search& by, const program& of, std::uint64_t schedules_at_most) {
  outcomes made;
  observations seen;
  const std::function<void()> body = [&] { run_program(of, seen); };
  do {
    seen.clear();
    const finding found = here.run(by, body);
    ++made.schedules;
    if (found.kind == finding_kind::none) {
      // A pruned run ends nowhere.
      if (seen.count[3] != 0) made.ends.insert(seen.text());
    } else if (found.kind == finding_kind::deadlock) {
      made.ends.insert("deadlock " + seen.text());
    } else {
      made.breaks.insert(std::string{name_of(found.kind)});
    }
    if (!by.end_run()) {
      made.is_complete = true;
      return made;
    }
  } while (made.schedules < schedules_at_most);
  return made;
}

std::string difference(const outcomes& all, const outcomes& reduced) {
  std::string text;
  for (const std::string& each : reduced.breaks) {
    if (!all.breaks.contains(each)) text += "  only reduced: " + each + "\n";
  }
  for (const std::string& each : reduced.ends) {
    if (!all.ends.contains(each)) text += "  only reduced: " + each + "\n";
  }
  // A finding cuts its run short, and what would have conflicted later in it stays unknown: then only that it is found counts.
  if (!all.breaks.empty())
    return text + (reduced.breaks.empty() ? "  missed: " + *all.breaks.begin() + "\n" : "");
  for (const std::string& each : all.ends) {
    if (!reduced.ends.contains(each)) text += "  missed: " + each + "\n";
  }
  return text;
}

constexpr std::uint64_t schedules_at_most = 5'000;
// A deadlock is an outcome; an order of locks that may deadlock would cut short most programs with two locks.
constexpr world_limits limits{.steps = 500, .watches_lock_order = false};

struct comparison {
  bool is_too_large = false;
  std::string difference;  ///< empty: none
  outcomes all;
  outcomes reduced;
};

comparison compare(world& here, const program& of, bool tries_silent_steps) {
  comparison made;
  plain_depth_first everything;
  everything.tries_silent_steps = tries_silent_steps;
  made.all = outcomes_of(here, everything, of, schedules_at_most);
  made.is_too_large = !made.all.is_complete;
  if (made.is_too_large) return made;
  reduction by;
  made.reduced = outcomes_of(here, by, of, 4 * schedules_at_most);
  made.difference = difference(made.all, made.reduced);
  if (!made.reduced.is_complete) made.difference += "  the reduction does not come to an end\n";
  return made;
}

/// Leaves out instructions while the two still differ.
program shrink(world& here, program of) {
  for (bool is_smaller = true; is_smaller;) {
    is_smaller = false;
    for (std::size_t thread = 0; thread != of.size() && !is_smaller; ++thread) {
      for (std::size_t i = 0; i != of[thread].size() && !is_smaller; ++i) {
        program candidate = of;
        candidate[thread].erase(candidate[thread].begin() + static_cast<std::ptrdiff_t>(i));
        if (compare(here, candidate, false).difference.empty()) continue;
        of = std::move(candidate);
        is_smaller = true;
      }
    }
  }
  return of;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// --- the tests --------------------------------------------------------------------------------------------

TEST(Reduction, has_the_outcomes_of_plain_depth_first_search_on_random_programs) {
  const std::uint64_t seed = number_from("RCUVM_SEED", 1);
  const std::uint64_t wanted = number_from("RCUVM_PROGRAMS", 300);
  world here{limits};
  std::uint64_t compared = 0;
  std::uint64_t too_large = 0;
  std::uint64_t with_findings = 0;
  std::uint64_t with_deadlocks = 0;
  std::uint64_t all_schedules = 0;
  std::uint64_t reduced_schedules = 0;
  int differing = 0;
  for (std::uint64_t i = 0; compared != wanted && differing != 3; ++i) {
    const std::uint64_t own_seed = seed * 1'000'003 + i;
    const program of = random_program(own_seed);
    const comparison got = compare(here, of, i % 8 == 0);
    if (got.is_too_large) {
      ++too_large;
      continue;
    }
    ++compared;
    all_schedules += got.all.schedules;
    reduced_schedules += got.reduced.schedules;
    if (!got.all.breaks.empty()) ++with_findings;
    if (!got.all.ends.empty() && got.all.ends.rbegin()->starts_with("deadlock")) ++with_deadlocks;
    if (got.difference.empty()) continue;
    ++differing;
    const program small = shrink(here, of);
    ADD_FAILURE() << "RCUVM_SEED=" << seed << ", program " << i << "\n"
                  << text_of(of) << got.difference << "shrunk:\n"
                  << text_of(small) << compare(here, small, false).difference;
  }
  std::printf(
      "%llu programs: %llu schedules, %llu reduced; %llu with a finding, %llu with a deadlock; %llu too "
      "large\n",
      static_cast<unsigned long long>(compared), static_cast<unsigned long long>(all_schedules),
      static_cast<unsigned long long>(reduced_schedules), static_cast<unsigned long long>(with_findings),
      static_cast<unsigned long long>(with_deadlocks), static_cast<unsigned long long>(too_large));
  // Else the comparison says little.
  EXPECT_GT(with_findings, compared / 50);
  EXPECT_GT(with_deadlocks, compared / 50);
  EXPECT_LT(3 * reduced_schedules, all_schedules);
}

TEST(DepthFirst, has_all_outcomes_when_its_bound_is_high) {
  const std::uint64_t seed = number_from("RCUVM_SEED", 1);
  world here{limits};
  int compared = 0;
  for (std::uint64_t i = 0; compared != 40; ++i) {
    const program of = random_program(seed * 7'919 + i);
    plain_depth_first everything;
    const outcomes all = outcomes_of(here, everything, of, 500);
    if (!all.is_complete) continue;
    ++compared;
    depth_first by{100};
    const outcomes bounded = outcomes_of(here, by, of, 100'000);
    EXPECT_TRUE(bounded.is_complete);
    EXPECT_EQ(bounded.ends, all.ends) << text_of(of);
    EXPECT_EQ(bounded.breaks, all.breaks) << text_of(of);
  }
}

}  // namespace
}  // namespace rcuvm::explore
