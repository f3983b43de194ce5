// SPDX-License-Identifier: Apache-2.0
#include "explore/cli/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "explore/cli/command.hpp"
#include "explore/cli/question.hpp"
#include "explore/traffic.hpp"

namespace rcuvm::explore::cli {

namespace {

using nlohmann::json;

void print(const json& what) { fmt::print("{}\n", what.dump(1, ' ', false, json::error_handler_t::replace)); }

std::string expected_text(verdict expected, finding_kind kind) {
  if (expected == verdict::holds) return "holds";
  return kind == finding_kind::none ? "fails" : fmt::format("fails ({})", name_of(kind));
}

/// As wide as the widest of them, at least as `head`.
template <class Range, class Name>
std::size_t width_of_all(std::string_view head, const Range& of, Name name) {
  std::size_t width = head.size();
  for (const auto& each : of) width = std::max(width, std::string_view{name(each)}.size());
  return width;
}

std::size_t scenario_width() {
  return width_of_all("scenario", all_scenarios(), [](const scenario& one) { return one.name; });
}

std::size_t design_width() {
  std::size_t width = std::string_view{"design"}.size();
  for (const scenario& each : all_scenarios()) {
    width = std::max(width, width_of_all("", each.subjects,
                                         [](const subject& one) -> std::string_view { return one.design; }));
  }
  return width;
}

/// Rows appear as soon as they are known, so widths are known before.
void end_row() {
  fmt::print("\n");
  std::fflush(stdout);
}

json list_json() {
  json made{{"scenarios", json::array()}, {"mutations", json::array()}};
  for (const scenario& each : all_scenarios()) {
    json subjects = json::array();
    for (const subject& one : each.subjects) {
      subjects.push_back({{"design", one.design},
                          {"expected", one.expected == verdict::holds ? "holds" : "fails"},
                          {"finding", one.kind == finding_kind::none ? json{} : json(name_of(one.kind))},
                          {"search", search_text(one.search)}});
    }
    made["scenarios"].push_back({{"name", each.name},
                                 {"claim", each.claim},
                                 {"summary", each.summary},
                                 {"subjects", std::move(subjects)}});
  }
  for (const twin& each : all_twins()) {
    made["mutations"].push_back({{"name", each.name},
                                 {"leaves_out", each.leaves_out},
                                 {"scenario", each.scenario},
                                 {"design", each.design},
                                 {"finding", name_of(each.kind)}});
  }
  return made;
}

/// What a test of `./dev test` asks beside the verdict: that a search for a proof has come to its end.
bool is_as_tested(const answer& of) {
  return of.is_as_expected && (*of.expected == verdict::fails || of.got.is_complete);
}

}  // namespace

int print_list(bool is_json) {
  if (is_json) {
    print(list_json());
    return as_expected;
  }
  fmt::print("Scenarios: the guarantee at stake, and what comes out under each design\n");
  const std::size_t width = design_width();
  for (const scenario& each : all_scenarios()) {
    fmt::print("\n{}  [{}]  {}\n", each.name, each.claim, each.summary);
    for (const subject& one : each.subjects) {
      fmt::print("    {:<{}}  {:<24}  {}\n", one.design, width, expected_text(one.expected, one.kind),
                 search_text(one.search));
    }
  }
  if (!all_twins().empty()) fmt::print("\nMutations: what each leaves out, and where it is caught\n\n");
  std::string_view last;
  for (const twin& each : all_twins()) {
    if (each.name != last)
      fmt::print("{}{}  leaves out {}\n", last.empty() ? "" : "\n", each.name, each.leaves_out);
    last = each.name;
    fmt::print("    {} --design {}: {}\n", each.scenario, each.design, name_of(each.kind));
  }
  return as_expected;
}

int ask_all(bool is_json) {
  const std::size_t name = scenario_width();
  const std::size_t design = design_width();
  json all = json::array();
  int bad = 0;
  int count = 0;
  double seconds = 0;
  if (!is_json) {
    fmt::print("{:<{}}  {:<{}}  {:<22}  {:<22}  {:>9}  {:>7}  {:<10}  {:>7}\n", "scenario", name, "design",
               design, "verdict", "expected", "schedules", "longest", "exhaustive", "seconds");
  }
  for (const scenario& each : all_scenarios()) {
    for (const subject& one : each.subjects) {
      const answer got =
          ask({.about = &each, .under = &one, .without = nullptr, .search = one.search, .schedule = {}});
      const bool is_good = is_as_tested(got);
      ++count;
      bad += is_good ? 0 : 1;
      seconds += got.got.seconds;
      if (is_json) {
        all.push_back(to_json(got, nullptr));
        continue;
      }
      const std::string verdict_here = got.got.found ? fmt::format("FAILS ({})", name_of(got.got.found.kind))
                                       : got.got.is_complete ? "holds"
                                                             : "nothing found";
      fmt::print("{:<{}}  {:<{}}  {:<22}  {:<22}  {:>9}  {:>7}  {:<10}  {:>7.2f}{}", each.name, name,
                 one.design, design, verdict_here, expected_text(one.expected, one.kind), got.got.schedules,
                 got.got.longest, got.got.is_complete ? "yes" : "no", got.got.seconds,
                 is_good ? "" : "  NOT as expected");
      end_row();
    }
  }
  if (is_json) {
    print({{"results", std::move(all)}});
  } else {
    fmt::print("{} searches, {} not as expected, {:.1f} s of CPU time\n", count, bad, seconds);
  }
  return bad == 0 ? as_expected : not_as_expected;
}

int ask_mutations(bool is_json) {
  json all = json::array();
  int missed = 0;
  std::string_view last;
  for (const twin& each : all_twins()) {
    if (!is_json && each.name != last)
      fmt::print("{}{}\n    leaves out {}\n", last.empty() ? "" : "\n", each.name, each.leaves_out);
    last = each.name;
    const scenario* const about = find_scenario(each.scenario);
    const subject* const under = about != nullptr ? find_subject(*about, each.design) : nullptr;
    if (under == nullptr) {
      ++missed;
      all.push_back({{"mutation", each.name}, {"as_expected", false}});
      if (!is_json)
        fmt::print("    NOT CAUGHT: there is no scenario {} --design {}\n", each.scenario, each.design);
      continue;
    }
    const answer got =
        ask({.about = about, .under = under, .without = &each, .search = under->search, .schedule = {}});
    missed += got.is_as_expected ? 0 : 1;
    all.push_back(to_json(got, nullptr));
    all.back()["leaves_out"] = each.leaves_out;
    if (is_json) continue;
    if (got.is_as_expected) {
      fmt::print("    caught: {} after {} schedules\n", name_of(got.got.found.kind), got.got.schedules);
    } else {
      fmt::print("    NOT CAUGHT in {} --design {}: {}; should be {}\n", each.scenario, each.design,
                 verdict_text(got), name_of(each.kind));
    }
    if (got.got.found) fmt::print("        {}\n", replay_command(got));
    std::fflush(stdout);
  }
  if (is_json) {
    print({{"results", std::move(all)}});
  } else {
    fmt::print("\n{} mutations in their scenarios, {} not caught\n", all_twins().size(), missed);
  }
  return missed == 0 ? as_expected : not_as_expected;
}

int print_traffic(bool is_json) {
  const std::vector<traffic> all = measure_traffic();
  if (is_json) {
    json rows = json::array();
    for (const traffic& one : all) {
      rows.push_back({{"design", one.design},
                      {"what", one.what},
                      {"stores", one.each.stores},
                      {"updates", one.each.updates}});
    }
    print(json{{"traffic", rows}});
    return as_expected;
  }
  fmt::print(
      "Writes to cache lines that other threads touch, per operation: read-modify-writes + stores.\n"
      "Faults are of the zero page.\n");
  for (std::size_t first = 0; first < all.size();) {
    fmt::print("\n{}\n", all[first].what);
    std::size_t end = first;
    for (; end < all.size() && all[end].what == all[first].what; ++end) {
      const traffic& one = all[end];
      fmt::print("  {:<{}}  {:>5.1f} + {:<5.1f}\n", one.design, design_width(), one.each.updates,
                 one.each.stores);
    }
    first = end;
  }
  return as_expected;
}

}  // namespace rcuvm::explore::cli
