// SPDX-License-Identifier: Apache-2.0

/// The set of entries that are not empty, against std::set.

#include "rcuvm/vm/entry_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace rcuvm::vm {
namespace {

using numbers = std::vector<unsigned>;

template <unsigned Count>
numbers in(const entry_set<Count>& some, unsigned first, unsigned end) {
  numbers seen;
  some.for_each(first, end, [&](unsigned index) { seen.push_back(index); });
  return seen;
}

numbers in(const std::set<unsigned>& some, unsigned first, unsigned end) {
  return {some.lower_bound(first), some.lower_bound(end)};
}

TEST(entry_set_test, is_empty_until_something_is_inserted) {
  entry_set<512> some;
  EXPECT_TRUE(some.is_empty());
  some.insert(511);
  EXPECT_FALSE(some.is_empty());
  some.erase(511);
  EXPECT_TRUE(some.is_empty());
}

TEST(entry_set_test, ends_are_half_open_at_each_border_of_a_word) {
  entry_set<512> some;
  for (const unsigned each : {0U, 63U, 64U, 127U, 128U, 511U}) some.insert(each);
  EXPECT_EQ(in(some, 0, 512), (numbers{0, 63, 64, 127, 128, 511}));
  EXPECT_EQ(in(some, 63, 64), (numbers{63}));
  EXPECT_EQ(in(some, 64, 128), (numbers{64, 127}));
  EXPECT_EQ(in(some, 1, 63), numbers{});
  EXPECT_EQ(in(some, 64, 64), numbers{});
  EXPECT_EQ(in(some, 129, 512), (numbers{511}));
}

TEST(entry_set_test, a_small_one_has_no_more_than_its_numbers) {
  entry_set<8> some;
  for (unsigned each = 0; each < 8; ++each) some.insert(each);
  EXPECT_EQ(in(some, 3, 8), (numbers{3, 4, 5, 6, 7}));
}

TEST(entry_set_test, agrees_with_a_std_set) {
  std::mt19937 random{7};
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  entry_set<512> some;
  std::set<unsigned> same;
  for (unsigned step = 0; step < 3000; ++step) {
    const unsigned first = below(513);
    const unsigned end = first + below(513 - first);
    if (const unsigned index = below(512); below(4) != 0) {
      some.insert(index);
      same.insert(index);
    } else {
      some.erase(index);
      same.erase(index);
    }
    ASSERT_EQ(in(some, first, end), in(same, first, end)) << first << " to " << end;
    if (step % 8 != 0) continue;
    numbers asked;
    some.erase_if(first, end, [&](unsigned index) {
      asked.push_back(index);
      return index % 3 == 0;
    });
    ASSERT_EQ(asked, in(same, first, end));
    for (const unsigned each : asked) {
      if (each % 3 == 0) same.erase(each);
    }
    ASSERT_EQ(in(some, 0, 512), in(same, 0, 512));
    ASSERT_EQ(some.is_empty(), same.empty());
  }
}

}  // namespace
}  // namespace rcuvm::vm
