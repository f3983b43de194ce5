// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "bench/tree/rivals/rivals.hpp"
#include "bench/tree/targets.hpp"

namespace rcuvm::tree_bench {

namespace {

constexpr const char* us = "rcuvm";

/// "maps" of "maps:chromium_browser"; empty: made data.
std::string family_of(const std::string& data) {
  const std::size_t colon = data.find(':');
  return colon == std::string::npos ? "" : data.substr(0, colon);
}

/// Made sizes by size, the others by name and behind them.
bool is_before(const comparison& one, const comparison& other) {
  const auto key = [](const comparison& of) {
    const bool is_size = std::ranges::all_of(of.of.data, [](char c) { return c >= '0' && c <= '9'; });
    return std::tuple{of.of.what, of.counter, of.of.keys, !is_size, is_size ? of.of.data.size() : 0,
                      of.of.data};
  };
  return key(one) < key(other);
}

/// Gathers the members of a family.
struct gathered {
  std::vector<double> ours;
  std::map<std::string, std::vector<double>> ratios;
};

constexpr std::array compared{"ns", "bytes"};

std::vector<std::string> rivals_in(const std::vector<comparison>& rows) {
  std::set<std::string> seen;
  for (const comparison& row : rows) {
    for (const auto& [rival, ratio] : row.ratios) seen.insert(rival);
  }
  return in_order_of_rivals(seen);
}

std::string table_of_ratios(const std::vector<comparison>& rows) {
  const std::vector<std::string> rivals = rivals_in(rows);
  std::string made = fmt::format("{:<48}{:>10}", "rcuvm / rival: below 1, rcuvm is better", us);
  for (const std::string& one : rivals) made += fmt::format("{:>12}", one);
  made += "\n";
  for (const comparison& row : rows) {
    made += fmt::format("{:<48}{:>10.4g}", row.of.to_text(), row.ours);
    for (const std::string& one : rivals) {
      const auto found = row.ratios.find(one);
      made +=
          found == row.ratios.end() ? fmt::format("{:>12}", "-") : fmt::format("{:>12.3g}", found->second);
    }
    made += "\n";
  }
  return made;
}

std::string table_of_targets(const std::vector<judgement>& judged) {
  std::string made = fmt::format("{:<38}{:<58}{:>8}{:>8}\n", "target", "", "at most", "is");
  std::size_t met = 0;
  std::size_t measured = 0;
  for (const judgement& one : judged) {
    if (!one.value) continue;
    ++measured;
    met += one.is_met() ? 1 : 0;
    made += fmt::format("{:<38}{:<58}{:>8.3g}{:>8.3g}  {}\n", one.of->group, one.of->to_text(), one.of->most,
                        *one.value, one.is_met() ? "met" : "NOT MET");
  }
  return made +
         fmt::format("{} of {} targets met, {} not measured\n", met, measured, judged.size() - measured);
}

}  // namespace

std::vector<comparison> compare(const figures& from) {
  std::vector<comparison> made;
  std::map<std::pair<measurement, std::string>, gathered> families;
  for (const auto& [of, rivals] : from.all()) {
    for (const char* counter : compared) {
      const auto ours = from.median(of, us, counter);
      if (!ours) continue;
      comparison row{of, counter, *ours, {}};
      for (const auto& [rival, counted] : rivals) {
        const auto theirs = from.median(of, rival, counter);
        if (rival != us && theirs && *theirs > 0) row.ratios[rival] = *ours / *theirs;
      }
      const std::string family = family_of(of.data);
      if (family.empty()) {
        made.push_back(std::move(row));
        continue;
      }
      gathered& all = families[{measurement{of.what, of.keys, family}, counter}];
      all.ours.push_back(row.ours);
      for (const auto& [rival, ratio] : row.ratios) all.ratios[rival].push_back(ratio);
    }
  }
  for (const auto& [key, all] : families) {
    comparison row{key.first, key.second, geometric_mean(all.ours), {}};
    row.of.data += fmt::format(" ({})", all.ours.size());
    for (const auto& [rival, ratios] : all.ratios) row.ratios[rival] = geometric_mean(ratios);
    made.push_back(std::move(row));
  }
  std::ranges::sort(made, is_before);
  return made;
}

std::string summary_text(const figures& from) {
  return table_of_ratios(compare(from)) + "\n" + table_of_targets(judge(from));
}

nlohmann::json to_json(const figures& from) {
  using nlohmann::json;
  json made{{"context", from.context()},
            {"figures", json::array()},
            {"ratios", json::array()},
            {"targets", json::array()}};
  for (const auto& [of, rivals] : from.all()) {
    for (const auto& [rival, counted] : rivals) {
      json one{{"what", of.what}, {"keys", of.keys}, {"data", of.data}, {"rival", rival}};
      for (const auto& [counter, found] : counted)
        one[counter] = {
            {"median", found.median}, {"min", found.min}, {"max", found.max}, {"repetitions", found.count}};
      made["figures"].push_back(std::move(one));
    }
  }
  for (const comparison& row : compare(from)) {
    made["ratios"].push_back({{"what", row.of.what},
                              {"keys", row.of.keys},
                              {"data", row.of.data},
                              {"counter", row.counter},
                              {"rcuvm", row.ours},
                              {"rcuvm_to_rival", row.ratios}});
  }
  for (const judgement& one : judge(from)) {
    json target{{"group", one.of->group}, {"figure", one.of->to_text()}, {"at_most", one.of->most}};
    if (one.value) target.update({{"value", *one.value}, {"is_met", one.is_met()}});
    made["targets"].push_back(std::move(target));
  }
  return made;
}

}  // namespace rcuvm::tree_bench
