// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/order.hpp"

#include <algorithm>
#include <iterator>
#include <ranges>

#include "rcuvm/base/check.hpp"

namespace rcuvm::replay {

order::order(std::uint32_t workers) : workers_{workers}, needed_(workers, 0), clocks_(workers) {
  RCUVM_CHECK(workers > 0, "a plan needs a worker");
}

// A row of clocks_ says how many events of each worker are surely over when that event is over: what it waited
// for, what those waited for, and itself. Vector clocks in the sense of Fidge and Mattern (1988).
std::span<std::uint32_t> order::clock_of(position at) {
  return std::span{clocks_[at.worker]}.subspan(std::size_t{at.index} * workers_, workers_);
}

position order::add(std::uint32_t worker, std::span<const touch> touches, std::span<const position> after,
                    std::vector<position>& waits) {
  const position self{worker, static_cast<std::uint32_t>(clocks_[worker].size() / workers_)};
  std::ranges::fill(needed_, 0U);
  for (position earlier : after) need(earlier);
  for (const touch& one : touches) {
    if (!one.where.is_empty()) touch_range(one, self);
  }

  std::vector<std::uint32_t>& rows = clocks_[worker];
  rows.resize(rows.size() + workers_, 0);
  if (self.index > 0) std::ranges::copy(clock_of({worker, self.index - 1}), clock_of(self).begin());
  choose_waits(worker, waits);
  clock_of(self)[worker] = self.index + 1;
  return self;
}

void order::need(position earlier) {
  needed_[earlier.worker] = std::max(needed_[earlier.worker], earlier.index + 1);
}

// Makes `at` a segment start, and returns the segment.
order::space_order::iterator order::split(space_order& space, std::uint64_t at) {
  auto found = std::prev(space.upper_bound(at));
  if (found->first == at) return found;
  segment upper = found->second;
  found->second.end = at;
  return space.emplace_hint(std::next(found), at, std::move(upper));
}

void order::touch_range(const touch& one, position self) {
  space_order& space = spaces_[one.space];
  if (space.empty())
    space.emplace(whole_space.start, segment{.end = whole_space.end, .changed = {}, .reads = {}});

  auto first = split(space, one.where.start);
  if (one.where.end < whole_space.end) split(space, one.where.end);
  auto last = first;
  for (; last != space.end() && last->first < one.where.end; ++last) {
    segment& part = last->second;
    if (part.is_changed && part.changed != self) need(part.changed);
    if (one.what == touch::kind::changes) {
      for (position read : part.reads) {
        if (read != self) need(read);
      }
    } else {
      auto mine = std::ranges::find(part.reads, self.worker, &position::worker);
      if (mine == part.reads.end()) {
        part.reads.push_back(self);
      } else {
        *mine = self;
      }
    }
  }
  if (one.what == touch::kind::reads) return;
  space.erase(std::next(first), last);
  first->second = segment{
      .end = std::min(one.where.end, whole_space.end), .is_changed = true, .changed = self, .reads = {}};
}

// Of what is needed, what is not known to be over anyway: by an earlier wait of this worker, or by another of
// the waits chosen here.
void order::choose_waits(std::uint32_t worker, std::vector<position>& waits) {
  const std::size_t first = waits.size();
  const std::uint32_t index = static_cast<std::uint32_t>(clocks_[worker].size() / workers_) - 1;
  std::span<std::uint32_t> mine = clock_of({worker, index});
  for (std::uint32_t other = 0; other < workers_; ++other) {
    if (other == worker || needed_[other] <= mine[other]) continue;
    const bool is_implied = std::ranges::any_of(std::views::iota(0U, workers_), [&](std::uint32_t third) {
      return third != worker && third != other && needed_[third] > mine[third] &&
             clock_of({third, needed_[third] - 1})[other] >= needed_[other];
    });
    if (!is_implied) waits.push_back({other, needed_[other] - 1});
  }
  for (std::size_t at = first; at < waits.size(); ++at) {
    std::span<std::uint32_t> theirs = clock_of(waits[at]);
    for (std::uint32_t other = 0; other < workers_; ++other)
      mine[other] = std::max(mine[other], theirs[other]);
  }
}

}  // namespace rcuvm::replay
