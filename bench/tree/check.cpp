// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/check.hpp"

#include <algorithm>
#include <random>

#include "rcuvm/base/address.hpp"

namespace rcuvm::tree_bench {

namespace {

constexpr std::size_t most_probes = 20'000;
constexpr std::uint64_t slots_searched = 40'000'000;  // by linear gap searches, in all

const record* find_in(const std::vector<record>& sorted, std::uint64_t key) {
  const auto at = std::ranges::upper_bound(sorted, key, {}, [](const record& one) { return one.where.end; });
  return at != sorted.end() && at->where.start <= key ? &*at : nullptr;
}

}  // namespace

truth::truth(workload& of) : of_{of} {
  const std::vector<record>& sorted = of.data().records;
  const std::size_t step = std::max<std::size_t>(1, sorted.size() * 5 / most_probes);
  for (std::size_t i = 0; i < sorted.size(); i += step) {
    const range where = sorted[i].where;
    for (const std::uint64_t key :
         {where.start - 1, where.start, where.start + where.size() / 2, where.end - 1, where.end})
      probes_.push_back(key);
  }
  std::ranges::shuffle(probes_, std::mt19937_64{probes_.size()});
  for (const std::uint64_t key : probes_) {
    answers_.push_back(find_in(sorted, key));
    sum_of_answers_ += address_of(answers_.back());
  }
  for (const record& one : sorted) sum_of_walk_ += address_of(&one) + one.where.start + one.where.end;
}

std::vector<gap_request> truth::gap_probes(gap_side side) const {
  const auto measured = of_.gap_requests(side);
  const std::size_t count = std::clamp<std::size_t>(slots_searched / of_.size(), 50, 4000);
  std::vector<gap_request> made(
      measured.begin(), measured.begin() + static_cast<std::ptrdiff_t>(std::min(count / 2, measured.size())));
  std::mt19937_64 random{count};
  const range extent = of_.data().extent();
  while (made.size() < count) {
    const std::uint64_t pages = 1 + random() % (random() % 2 == 0 ? 32 : 6000);
    const std::uint64_t size = pages * page_size - (random() % 4 == 0 ? random() % page_size : 0);
    const std::uint64_t start = extent.start + random() % extent.size();
    const std::uint64_t span = 1 + random() % (random() % 2 == 0 ? extent.size() : 64 * size);
    made.push_back({size, range{start, start + std::max(span, size)}});
  }
  return made;
}

std::uint64_t truth::find_gap(gap_side side, const gap_request& wanted) const {
  const std::vector<record>& sorted = of_.data().records;
  std::uint64_t found = no_gap;
  std::uint64_t from = 0;
  for (std::size_t i = 0; i <= sorted.size(); ++i) {
    const range gap =
        range{from, i == sorted.size() ? no_gap : sorted[i].where.start}.intersection(wanted.within);
    if (gap.size() >= wanted.size) {
      if (side == gap_side::lowest) return gap.start;
      found = gap.end - wanted.size;
    }
    if (i != sorted.size()) from = sorted[i].where.end;
  }
  return found;
}

void differences::expect_equal(const std::string& what, std::uint64_t wanted, std::uint64_t found) {
  if (wanted == found || lines_.size() == most_lines) return;
  lines_.push_back(of_ + ", " + what + ": " + std::to_string(found) + ", should be " +
                   std::to_string(wanted));
}

}  // namespace rcuvm::tree_bench
