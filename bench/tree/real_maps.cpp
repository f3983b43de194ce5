// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/line_reader.hpp"
#include "bench/recording/recording.hpp"
#include "bench/tree/data_set.hpp"
#include "proc_maps/parse.hpp"

namespace rcuvm::tree_bench {

namespace {

/// The longest of the texts that stand behind `@@` lines.
std::string_view longest_sample(std::string_view text) {
  std::string_view longest;
  while (!text.empty()) {
    const std::size_t body = std::min(text.find('\n') + 1, text.size());
    std::size_t end = text.find("\n@@ ", body);
    end = end == std::string_view::npos ? text.size() : end + 1;
    if (end - body > longest.size()) longest = text.substr(body, end - body);
    text.remove_prefix(end);
  }
  return longest;
}

/// Without [vsyscall], which lies above the space of a process.
std::vector<record> to_records(const std::vector<proc_maps::entry>& entries) {
  std::vector<record> made;
  for (const proc_maps::entry& one : entries) {
    if (one.name != proc_maps::vsyscall_name) made.push_back({one.where});
  }
  return made;
}

/// "maps:chromium_browser" of ".../chromium_browser/maps.1.xz", "maps:java_gc" of ".../java_gc.maps.xz".
std::string name_of_file(const std::string& file) {
  const std::filesystem::path path{file};
  const std::string last = path.filename().string();
  const std::string stem = last.substr(0, last.find('.'));
  return "maps:" + (stem == "maps" && path.has_parent_path() ? path.parent_path().filename().string() : stem);
}

}  // namespace

std::expected<data_set, std::string> parse_maps(std::string name, std::string_view text) {
  const auto entries = proc_maps::parse(text.starts_with("@@ ") ? longest_sample(text) : text);
  if (!entries) return std::unexpected{entries.error().to_text()};
  data_set made{.name = std::move(name), .records = to_records(*entries), .faults = {}};
  if (made.records.empty()) return std::unexpected{std::string{"no ranges"}};
  return made;
}

std::expected<data_set, std::string> read_maps(const std::string& file) {
  auto lines = recording::line_reader::open(file);
  if (!lines) return std::unexpected{lines.error().to_text()};
  std::string text;
  while (true) {
    const auto line = lines->next();
    if (!line) return std::unexpected{line.error().to_text()};
    if (!*line) break;
    text.append(**line).push_back('\n');
  }
  auto made = parse_maps(name_of_file(file), text);
  if (!made) return std::unexpected{file + ": " + made.error()};
  return made;
}

std::expected<data_set, std::string> read_recording(const std::string& name_or_path) {
  const auto where = recording::locate(name_or_path);
  if (!where) return std::unexpected{where.error().to_text()};
  const auto trace = recording::read(*where);
  if (!trace) return std::unexpected{trace.error().to_text()};
  const recording::maps_sample* largest = nullptr;
  for (const recording::maps_sample& one : trace->samples) {
    if (one.space == recording::no_id) continue;
    if (largest == nullptr || one.entries.size() > largest->entries.size()) largest = &one;
  }
  if (largest == nullptr) return std::unexpected{name_or_path + ": no maps were sampled"};
  data_set made{.name = "faults:" + trace->name, .records = to_records(largest->entries), .faults = {}};
  for (const recording::event& one : trace->events) {
    const auto* fault = std::get_if<recording::fault>(&one.what);
    if (fault != nullptr && one.space == largest->space) made.faults.push_back(fault->at);
  }
  if (made.records.empty() || made.faults.empty())
    return std::unexpected{name_or_path + ": no faults in the space of its largest maps"};
  return made;
}

}  // namespace rcuvm::tree_bench
