// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/rivals/rivals.hpp"

#include <gtest/gtest.h>

#include "bench/tree/check.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::tree_bench {
namespace {

class every_rival : public testing::TestWithParam<rival_entry> {
 protected:
  const sync::rcu::registration here_{"every_rival"};
};

std::string name_of_case(const testing::TestParamInfo<rival_entry>& one) {
  return std::string{one.param.name};
}

// The sizes at which trees grow a level, and one that is large enough for all shapes of nodes.
TEST_P(every_rival, Answers_as_a_linear_search_does) {
  for (const std::size_t size : {1UL, 2UL, 3UL, 15UL, 16UL, 17UL, 40UL, 289UL, 1000UL, 5000UL}) {
    workload on{make_clusters(size, size), 7};
    for (const std::string& difference : GetParam().check(on)) ADD_FAILURE() << difference;
  }
}

INSTANTIATE_TEST_SUITE_P(tree, every_rival, testing::ValuesIn(rivals()), name_of_case);

/// A rival that is wrong at one key, so that the check itself is checked.
class wrong_at_one {
 public:
  static constexpr std::string_view name = "wrong_at_one";

  void build(records all) {
    for (const record* one : all) end_ = std::max(end_, one->where.end);
    right_.assign(all.begin(), all.end());
  }
  [[nodiscard]] const record* find_one(std::uint64_t key) const {
    if (key == end_ - 1) return nullptr;
    for (const record* one : right_) {
      if (one->where.contains(key)) return one;
    }
    return nullptr;
  }
  [[nodiscard]] std::uint64_t find_each(keys wanted) const {
    std::uint64_t sum = 0;
    for (const std::uint64_t key : wanted) sum += address_of(find_one(key));
    return sum;
  }
  [[nodiscard]] std::uint64_t find_all(keys wanted) const { return find_each(wanted); }
  [[nodiscard]] std::uint64_t find_dependent(keys wanted) const {
    return address_of(find_one(wanted.back()));
  }
  [[nodiscard]] std::uint64_t walk(std::size_t& count) const {
    std::uint64_t sum = 0;
    for (const record* one : right_) sum += address_of(one) + one->where.start + one->where.end;
    count += right_.size();
    return sum;
  }
  [[nodiscard]] static std::uint64_t find_gaps(gap_side, std::span<const gap_request> wanted,
                                               std::uint64_t* starts) {
    if (starts != nullptr) std::fill_n(starts, wanted.size(), no_gap);
    return no_gap * wanted.size();
  }
  [[nodiscard]] static std::size_t bytes() { return 0; }

 private:
  std::vector<const record*> right_;
  std::uint64_t end_ = 0;
};

bool says(const std::vector<std::string>& lines, std::string_view what) {
  return std::ranges::any_of(lines,
                             [&](const std::string& one) { return one.find(what) != std::string::npos; });
}

TEST(check_rival, A_rival_that_is_wrong_at_one_key_is_caught) {
  workload on{make_clusters(40, 1), 7};
  const auto found = check_rival<wrong_at_one>(on);
  const std::uint64_t key = on.data().records.back().where.end - 1;
  EXPECT_TRUE(says(found, "find " + std::to_string(key)));
  EXPECT_TRUE(says(found, "find_each"));
  EXPECT_TRUE(says(found, "lowest gap"));
  EXPECT_FALSE(says(found, "walk"));
}

}  // namespace
}  // namespace rcuvm::tree_bench
