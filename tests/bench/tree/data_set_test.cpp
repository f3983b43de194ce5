// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/data_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "rcuvm/base/address.hpp"

namespace rcuvm::tree_bench {
namespace {

TEST(data_set, Clusters_are_ranges_of_pages_in_rising_order) {
  const data_set made = make_clusters(10'000, 42);
  ASSERT_EQ(made.records.size(), 10'000U);
  std::size_t gaps = 0;
  std::size_t touching = 1;
  for (std::size_t i = 0; i < made.records.size(); ++i) {
    const range where = made.records[i].where;
    EXPECT_FALSE(where.is_empty());
    EXPECT_TRUE(is_page_aligned(where.start) && is_page_aligned(where.end));
    if (i == 0) continue;
    const std::uint64_t before = made.records[i - 1].where.end;
    ASSERT_LE(before, where.start);
    touching = before == where.start ? touching + 1 : 1;
    EXPECT_LE(touching, 8U);
    gaps += before != where.start ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(gaps), 10'000 / 4.5, 200);
}

TEST(data_set, The_same_seed_makes_the_same_data) {
  EXPECT_EQ(make_clusters(100, 1).extent(), make_clusters(100, 1).extent());
  EXPECT_NE(make_clusters(100, 1).extent(), make_clusters(100, 2).extent());
}

TEST(data_set, Every_key_lies_in_a_range_and_zipf_prefers_some) {
  const data_set from = make_clusters(1000, 42);
  for (const distribution which : {distribution::uniform, distribution::zipf}) {
    std::map<const record*, std::size_t> hits;
    for (const std::uint64_t key : make_keys(from, which, 100'000, 3)) {
      const auto at =
          std::ranges::upper_bound(from.records, key, {}, [](const record& one) { return one.where.end; });
      ASSERT_TRUE(at != from.records.end() && at->where.contains(key));
      ++hits[&*at];
    }
    std::size_t most = 0;
    for (const auto& [at, count] : hits) most = std::max(most, count);
    // Of 1,000 ranges the most popular one gets a share of 1 / (1 + 2^-0.99 + ...) = 13 %; without preference 0.1 %.
    if (which == distribution::zipf)
      EXPECT_NEAR(static_cast<double>(most), 13'000, 1'500);
    else
      EXPECT_LT(most, 200U);
  }
}

TEST(data_set, Maps_text_becomes_ranges_without_vsyscall) {
  const auto read =
      parse_maps("maps:x",
                 "00001000-00002000 r--p 00000000 00:00 0 \n"
                 "00002000-00005000 rw-p 00000000 00:00 0          [heap]\n"
                 "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]\n");
  ASSERT_TRUE(read.has_value()) << read.error();
  ASSERT_EQ(read->records.size(), 2U);
  EXPECT_EQ(read->records[1].where, (range{0x2000, 0x5000}));
}

TEST(data_set, Of_a_file_of_samples_the_longest_counts) {
  const auto read = parse_maps("maps:x",
                               "@@ pid=1 t0=1.0 t1=1.1 vmas=1 comm=a\n"
                               "00001000-00002000 r--p 00000000 00:00 0 \n"
                               "@@ pid=1 t0=2.0 t1=2.1 vmas=2 comm=a\n"
                               "00001000-00002000 r--p 00000000 00:00 0 \n"
                               "00003000-00004000 r--p 00000000 00:00 0 \n");
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->records.size(), 2U);
}

TEST(data_set, Bad_maps_are_refused_with_a_reason) {
  EXPECT_EQ(parse_maps("maps:x", "no maps\n").error().substr(0, 2), "1:");
  EXPECT_EQ(parse_maps("maps:x", "").error(), "no ranges");
  EXPECT_NE(read_maps("/nowhere/maps").error().find("/nowhere/maps"), std::string::npos);
}

TEST(data_set, Gap_requests_ask_for_what_few_gaps_offer) {
  const data_set from = make_clusters(1000, 42);
  std::vector<std::uint64_t> gaps;
  for (std::size_t i = 1; i < from.records.size(); ++i)
    gaps.push_back(from.records[i].where.start - from.records[i - 1].where.end);
  for (const gap_side side : {gap_side::lowest, gap_side::highest}) {
    for (const gap_request& one : make_gap_requests(from, side, 100, 5)) {
      EXPECT_TRUE(from.extent().contains(range{one.within.start, one.within.end}));
      EXPECT_LE(std::ranges::count_if(gaps, [&](std::uint64_t gap) { return gap >= one.size; }), 3);
    }
  }
}

}  // namespace
}  // namespace rcuvm::tree_bench
