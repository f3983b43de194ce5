// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/figures.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace rcuvm::tree_bench {

namespace {

using nlohmann::json;

std::vector<std::string> split(const std::string& name) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= name.size()) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    parts.push_back(name.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// What Google Benchmark appends to a name to say how it was run.
bool is_appended(std::string_view part) {
  static constexpr std::array<std::string_view, 5> appended{"process_time", "real_time",
                                                            "iterations:", "repeats:", "min_time:"};
  return std::ranges::any_of(appended, [&](std::string_view one) { return part.starts_with(one); });
}

/// A rival's name and what was measured; no rival: a figure without one, as of an empty read section.
std::optional<std::pair<std::string, measurement>> parse_name(const std::string& name) {
  std::vector<std::string> parts = split(name);
  while (!parts.empty() && is_appended(parts.back())) parts.pop_back();
  switch (parts.size()) {
    case 2: return std::pair{std::string{"rcuvm"}, measurement{parts[0], "", parts[1]}};
    case 3: return std::pair{parts[2], measurement{parts[0], "", parts[1]}};
    case 4: return std::pair{parts[3], measurement{parts[0], parts[1], parts[2]}};
    default: return std::nullopt;
  }
}

constexpr std::array counter_names{"ns", "wall_ns", "writer_ns", "changes_per_s", "bytes"};

}  // namespace

std::expected<void, std::string> figures::read(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in.is_open() || in.bad()) return std::unexpected{file.string() + ": cannot be read"};
  if (auto done = parse(text); !done) return std::unexpected{file.string() + ": " + done.error()};
  return {};
}

std::expected<void, std::string> figures::parse(std::string_view text) try {
  const json from = json::parse(text);
  std::map<measurement, std::map<std::string, std::map<std::string, std::vector<double>>>> samples;
  for (const json& run : from.at("benchmarks")) {
    if (run.at("run_type") != "iteration" || run.value("error_occurred", false)) continue;
    const auto name = parse_name(run.at("run_name").get<std::string>());
    if (!name)
      return std::unexpected{"not a name of rcuvm-bench-tree: " + run.at("run_name").get<std::string>()};
    for (const char* counter : counter_names) {
      if (run.contains(counter))
        samples[name->second][name->first][counter].push_back(run.at(counter).get<double>());
    }
  }
  for (const auto& [of, rivals] : samples) {
    for (const auto& [rival, counted] : rivals) {
      for (const auto& [counter, values] : counted) all_[of][rival][counter] = spread_of(values);
    }
  }
  if (context_.empty()) {
    for (const auto& [key, value] : from.at("context").items()) {
      if (value.is_string()) context_[key] = value.get<std::string>();
    }
  }
  return {};
} catch (const json::exception& problem) {
  return std::unexpected{std::string{problem.what()}};
}

std::optional<double> figures::median(const measurement& of, const std::string& rival,
                                      std::string_view counter) const {
  const auto rivals = all_.find(of);
  if (rivals == all_.end()) return std::nullopt;
  const auto counted = rivals->second.find(rival);
  if (counted == rivals->second.end()) return std::nullopt;
  const auto found = counted->second.find(counter);
  if (found == counted->second.end()) return std::nullopt;
  return found->second.median;
}

}  // namespace rcuvm::tree_bench
