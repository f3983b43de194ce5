// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/search.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "bench/diff_kernel/generate.hpp"
#include "bench/diff_kernel/scene.hpp"
#include "bench/diff_kernel/shrink.hpp"

namespace rcuvm::diff_kernel {

namespace {

/// Long enough for an arena full of mappings with a past, short enough to be shrunk soon.
constexpr std::uint64_t sequence_calls = 500;

/// Spreads (seed, number) over 64 bits. S. Vigna: SplitMix64.
std::uint64_t seed_of_sequence(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t mixed = seed * 0x9e37'79b9'7f4a'7c15 + number;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
  return mixed ^ (mixed >> 31);
}

/// More mappings than that take too long to be made, again and again.
constexpr std::uint64_t crowd_in_time = 100'000;

/// Leaves out what cannot be compared here.
void fit(call& one, const stage& on) {
  if (!on.with_heap && one.what == verb::brk) one = {};
  if (!on.has_names && one.what == verb::name) one = {};
  if (!on.may_lock() && one.what == verb::lock) one = {};
  if (!on.may_lock() && one.what == verb::lock_all) one = {};
  if (!on.may_lock_all() && one.what == verb::lock_all) one.flags &= ~std::uint32_t{MCL_CURRENT};
  if (!on.may_lock() && one.what == verb::map) one.flags &= ~std::uint32_t{MAP_LOCKED};
  if (on.most_mappings > crowd_in_time && one.what == verb::crowd) one = {};
  if (on.has_swap && one.advice == MADV_PAGEOUT) one.advice = MADV_COLD;
  if (on.has_protection_keys && one.protection == PROT_EXEC) one.protection |= PROT_READ;
}

finding shrunk(std::vector<call> calls, difference found, const stage& on, model& by) {
  calls.resize(found.index + 1);
  calls = shrink(std::move(calls), [&](const std::vector<call>& fewer) {
    auto differs = first_difference(fewer, on, by);
    if (!differs) return false;
    found = *std::move(differs);
    return true;
  });
  calls.resize(found.index + 1);
  return {.calls = std::move(calls), .difference = std::move(found)};
}

}  // namespace

std::vector<call> sequence(const search_options& how, std::uint64_t number, std::uint64_t count) {
  generator calls{seed_of_sequence(how.seed, number), how.arena_bytes};
  return calls.take(std::min(sequence_calls, count));
}

search_result search(const search_options& how, model& by) {
  const stage on = find_stage(how.arena_bytes);
  search_result made;
  for (std::uint64_t number = 0; made.calls < how.calls; ++number) {
    auto calls = sequence(how, number, how.calls - made.calls);
    for (call& one : calls) fit(one, on);
    if (auto found = first_difference(calls, on, by)) {
      const std::uint64_t at_call = made.calls + found->index;
      made.calls = at_call + 1;
      made.finding = shrunk(std::move(calls), *std::move(found), on, by);
      made.finding->at_call = at_call;
      return made;
    }
    made.calls += calls.size();
    how.on_progress(made.calls);
  }
  return made;
}

}  // namespace rcuvm::diff_kernel
