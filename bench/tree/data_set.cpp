// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/data_set.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "rcuvm/base/address.hpp"

namespace rcuvm::tree_bench {

namespace {

/// In [0, below): good enough for test data, and the same on every machine.
std::uint64_t pick(std::mt19937_64& random, std::uint64_t below) { return random() % below; }

std::uint64_t key_in(const record& one, std::mt19937_64& random) {
  return one.where.start + pick(random, one.where.size());
}

std::vector<std::uint64_t> uniform_keys(const data_set& from, std::size_t count, std::mt19937_64& random) {
  std::vector<std::uint64_t> made(count);
  for (std::uint64_t& key : made) key = key_in(from.records[pick(random, from.records.size())], random);
  return made;
}

std::vector<std::uint64_t> zipf_keys(const data_set& from, std::size_t count, std::mt19937_64& random) {
  const std::size_t ranges = from.records.size();
  std::vector<double> below(ranges);  // the share of all lookups that go to the ranges up to this rank
  double sum = 0;
  for (std::size_t rank = 0; rank < ranges; ++rank) {
    sum += std::pow(static_cast<double>(rank + 1), -zipf_exponent);
    below[rank] = sum;
  }
  std::vector<std::size_t> at_rank(ranges);
  std::iota(at_rank.begin(), at_rank.end(), std::size_t{0});
  std::ranges::shuffle(at_rank, random);
  std::uniform_real_distribution<double> share{0, sum};
  std::vector<std::uint64_t> made(count);
  for (std::uint64_t& key : made) {
    const auto found = std::ranges::upper_bound(below, share(random));
    const auto rank = std::min(static_cast<std::size_t>(found - below.begin()), ranges - 1);
    key = key_in(from.records[at_rank[rank]], random);
  }
  return made;
}

std::vector<std::uint64_t> fault_keys(const data_set& from, std::size_t count) {
  std::vector<std::uint64_t> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = from.faults[i % from.faults.size()];
  return made;
}

}  // namespace

data_set make_clusters(std::size_t ranges, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  data_set made{.name = std::to_string(ranges), .records = {}, .faults = {}};
  made.records.reserve(ranges);
  std::uint64_t page = 0x5'5000'0000;
  while (made.records.size() < ranges) {
    const std::uint64_t cluster = 1 + pick(random, 8);
    for (std::uint64_t i = 0; i < cluster && made.records.size() < ranges; ++i) {
      const std::uint64_t pages = 1 + pick(random, pick(random, 20) == 0 ? 2000 : 64);
      made.records.push_back({{page << page_shift, (page + pages) << page_shift}});
      page += pages;
    }
    page += 1 + (pick(random, 4) == 0 ? pick(random, 5000) : 16);
  }
  return made;
}

std::vector<const record*> shuffled(const data_set& from, std::uint64_t seed) {
  std::vector<const record*> made;
  made.reserve(from.records.size());
  for (const record& one : from.records) made.push_back(&one);
  std::mt19937_64 random{seed};
  std::ranges::shuffle(made, random);
  return made;
}

std::string_view name_of(distribution which) noexcept {
  switch (which) {
    case distribution::uniform: return "uniform";
    case distribution::zipf: return "zipf";
    case distribution::faults: return "faults";
  }
  return "?";
}

std::vector<std::uint64_t> make_keys(const data_set& from, distribution which, std::size_t count,
                                     std::uint64_t seed) {
  std::mt19937_64 random{seed};
  switch (which) {
    case distribution::uniform: return uniform_keys(from, count, random);
    case distribution::zipf: return zipf_keys(from, count, random);
    case distribution::faults: return fault_keys(from, count);
  }
  return {};
}

std::vector<gap_request> make_gap_requests(const data_set& from, gap_side side, std::size_t count,
                                           std::uint64_t seed) {
  std::vector<std::uint64_t> sizes;
  for (std::size_t i = 1; i < from.records.size(); ++i) {
    const std::uint64_t size = from.records[i].where.start - from.records[i - 1].where.end;
    if (size != 0) sizes.push_back(size);
  }
  if (sizes.empty()) return {};
  std::ranges::sort(sizes, std::greater{});
  const std::size_t wanted = std::min(sizes.size(), std::max<std::size_t>(3, sizes.size() / 100));
  std::mt19937_64 random{seed};
  const range extent = from.extent();
  std::vector<gap_request> made(count);
  for (gap_request& one : made) {
    const std::uint64_t place = from.records[pick(random, from.records.size())].where.start;
    one.within = side == gap_side::lowest ? range{place, extent.end} : range{extent.start, place + 1};
    one.size = sizes[pick(random, wanted)];
  }
  return made;
}

}  // namespace rcuvm::tree_bench
