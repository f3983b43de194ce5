// SPDX-License-Identifier: Apache-2.0
#include "explore/traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <stdexcept>

#include "explore/explorer.hpp"
#include "explore/scenarios/scenario.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::uint32_t line_size = 64;
constexpr unsigned few = 1;
constexpr unsigned many = 3;

shared_writes run(const std::string& design, const traffic_program& of, const scenario_body& body) {
  const replayed got = replay_schedule(body, {});
  if (got.found)
    throw std::runtime_error{fmt::format("{} under {} ended early: {}", of.what, design, got.found.what)};
  return count_shared_writes(got.told, traffic_thread);
}

}  // namespace

shared_writes count_shared_writes(const trace& of, std::string_view thread) {
  const auto found = std::ranges::find(of.names, thread);
  if (found == of.names.end()) throw std::runtime_error{fmt::format("no thread \"{}\" in this run", thread)};
  const auto self = static_cast<int>(found - of.names.begin());
  std::map<std::uint32_t, thread_set> touched_by;
  const auto lines_of = [](const auto& one) {
    return std::views::iota(one.where.first / line_size, (one.where.end - 1) / line_size + 1);
  };
  const auto touch = [&](const auto& one) {
    for (const std::uint32_t line : lines_of(one)) touched_by[line] |= only(one.thread);
  };
  const auto is_access = [](const traced_step& one) {
    using enum operation;
    switch (one.what) {
      case load:
      case store:
      case update:
      case use:
      case lock:
      case try_lock:
      case unlock: return !one.is_quiet && one.where.first >= place::first_offset;
      default: return false;
    }
  };
  for (const traced_step& one : of.steps) {
    if (is_access(one)) touch(one);
  }
  for (const plain_touch& one : of.plain) touch(one);
  const auto is_shared = [&](const auto& one) {
    const auto is_theirs = [&](std::uint32_t line) { return (touched_by[line] & ~only(self)) != 0; };
    return one.thread == self && std::ranges::any_of(lines_of(one), is_theirs);
  };
  shared_writes made;
  for (const traced_step& one : of.steps) {
    if (!is_access(one) || one.what == operation::load || !is_shared(one)) continue;
    ++(one.what == operation::store ? made.stores : made.updates);
  }
  for (const plain_touch& one : of.plain) {
    if (one.is_write && is_shared(one)) ++made.stores;
  }
  return made;
}

std::vector<traffic> measure_traffic() {
  std::vector<traffic> made;
  for (const traffic_program& one : traffic_programs()) {
    for (const auto& [design, program] : one.by_design) {
      const shared_writes less = run(design, one, program(few));
      const shared_writes more = run(design, one, program(many));
      made.push_back({.design = design,
                      .what = one.what,
                      .each = {.stores = (more.stores - less.stores) / (many - few),
                               .updates = (more.updates - less.updates) / (many - few)}});
    }
  }
  return made;
}

}  // namespace rcuvm::explore
