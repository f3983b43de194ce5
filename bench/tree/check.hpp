// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A rival's answers against the plainest ones, so that no benchmark measures a rival that is wrong.

#include <memory>
#include <string>
#include <vector>

#include "bench/tree/workload.hpp"

namespace rcuvm::tree_bench {

/// A sorted array, searched in the plainest way: what every rival must answer.
class truth {
 public:
  explicit truth(workload& of);

  /// Keys in ranges, at their ends, and in gaps.
  [[nodiscard]] keys probes() const noexcept { return probes_; }
  [[nodiscard]] std::span<const record* const> answers() const noexcept { return answers_; }
  /// What find_each() returns for the probes, and walk() for all.
  [[nodiscard]] std::uint64_t sum_of_answers() const noexcept { return sum_of_answers_; }
  [[nodiscard]] std::uint64_t sum_of_walk() const noexcept { return sum_of_walk_; }

  /// Requests of all kinds: those of the benchmarks, small ones, huge ones, odd sizes and limits.
  [[nodiscard]] std::vector<gap_request> gap_probes(gap_side side) const;
  /// The start of the room; no_gap when there is none.
  [[nodiscard]] std::uint64_t find_gap(gap_side side, const gap_request& wanted) const;

 private:
  workload& of_;
  std::vector<std::uint64_t> probes_;
  std::vector<const record*> answers_;
  std::uint64_t sum_of_answers_ = 0;
  std::uint64_t sum_of_walk_ = 0;
};

/// Collects differences, the first few of each kind.
class differences {
 public:
  explicit differences(std::string of) : of_{std::move(of)} {}
  void expect_equal(const std::string& what, std::uint64_t wanted, std::uint64_t found);
  [[nodiscard]] std::vector<std::string> lines() && { return std::move(lines_); }

 private:
  static constexpr std::size_t most_lines = 20;

  std::string of_;
  std::vector<std::string> lines_;
};

template <class Rival>
void check_lookups(differences& to, const truth& right, const Rival& of, const std::string& when) {
  const keys probes = right.probes();
  for (std::size_t i = 0; i < probes.size(); ++i)
    to.expect_equal(when + ": find " + std::to_string(probes[i]), address_of(right.answers()[i]),
                    address_of(of.find_one(probes[i])));
  to.expect_equal(when + ": find_each", right.sum_of_answers(), of.find_each(probes));
  to.expect_equal(when + ": find_all", right.sum_of_answers(), of.find_all(probes));
  to.expect_equal(when + ": find_dependent", address_of(right.answers().back()), of.find_dependent(probes));
  if constexpr (finds_many<Rival>) {
    std::vector<const record*> found(probes.size());
    of.find_many(probes, found);
    for (std::size_t i = 0; i < probes.size(); ++i)
      to.expect_equal(when + ": find_many " + std::to_string(probes[i]), address_of(right.answers()[i]),
                      address_of(found[i]));
  }
}

template <class Rival>
void check_gaps(differences& to, const truth& right, const Rival& of, const std::string& when) {
  for (const gap_side side : {gap_side::lowest, gap_side::highest}) {
    const auto requests = right.gap_probes(side);
    std::vector<std::uint64_t> starts(requests.size());
    (void)of.find_gaps(side, requests, starts.data());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      to.expect_equal(when + (side == gap_side::lowest ? ": lowest gap of " : ": highest gap of ") +
                          std::to_string(requests[i].size) + " in [" +
                          std::to_string(requests[i].within.start) + ", " +
                          std::to_string(requests[i].within.end) + ")",
                      right.find_gap(side, requests[i]), starts[i]);
    }
  }
}

template <class Rival>
void check_answers(differences& to, workload& on, const Rival& of, const std::string& when) {
  const truth right{on};
  check_lookups(to, right, of, when);
  std::size_t count = 0;
  to.expect_equal(when + ": walk", right.sum_of_walk(), of.walk(count));
  to.expect_equal(when + ": ranges walked", on.size(), count);
  if constexpr (finds_gaps<Rival>) check_gaps(to, right, of, when);
}

/// Each difference in a line; none: the rival is right, also after changes.
template <rival Rival>
[[nodiscard]] std::vector<std::string> check_rival(workload& on) {
  differences found{std::string{Rival::name} + " on " + on.name()};
  Rival of;
  of.build(on.insertion_order());
  check_answers(found, on, of, "built");
  if constexpr (changes<Rival>) {
    const records some = on.change_order().first(std::min<std::size_t>(on.size(), 2000));
    of.replace(some);
    of.replace_together(some);
    of.drain();
    check_answers(found, on, of, "changed");
  }
  return std::move(found).lines();
}

}  // namespace rcuvm::tree_bench
