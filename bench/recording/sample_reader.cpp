// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/sample_reader.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "bench/recording/line_reader.hpp"
#include "bench/recording/perf_line.hpp"
#include "proc_maps/parse.hpp"

namespace rcuvm::recording {
namespace {

struct header {
  maps_sample sample;
  std::uint64_t vmas = 0;
};

std::optional<header> parse_header(std::string_view line) {
  proc_maps::cursor at{line};
  if (!at.take("@@ pid=")) return std::nullopt;
  const auto pid = at.take_decimal<std::int32_t>();
  if (!pid || !at.take(" t0=")) return std::nullopt;
  const auto start = take_time_ns(at);
  if (!start || !at.take(" t1=")) return std::nullopt;
  const auto end = take_time_ns(at);
  if (!end || *end < *start || !at.take(" vmas=")) return std::nullopt;
  const auto vmas = at.take_decimal();
  if (!vmas || !at.take(" comm=")) return std::nullopt;
  header made;
  made.sample.pid = *pid;
  made.sample.start_ns = *start;
  made.sample.end_ns = *end;
  made.vmas = *vmas;
  return made;
}

std::string describe_shortage(const maps_sample& sample, std::uint64_t promised) {
  return "the maps of pid " + std::to_string(sample.pid) + " from line " + std::to_string(sample.line) +
         " have " + std::to_string(sample.entries.size()) + " lines, not " + std::to_string(promised);
}

}  // namespace

std::expected<std::vector<maps_sample>, read_error> read_samples(const std::filesystem::path& path) {
  auto reader = line_reader::open(path);
  if (!reader) return std::unexpected{reader.error()};
  std::vector<maps_sample> samples;
  std::uint64_t promised = 0;
  while (true) {
    const auto next = reader->next();
    if (!next) return std::unexpected{next.error()};
    const bool is_end = !next->has_value();
    if (is_end || (*next)->starts_with("@@ ")) {
      if (!samples.empty() && samples.back().entries.size() != promised) {
        return reader->error_here(describe_shortage(samples.back(), promised));
      }
      if (is_end) break;
      auto begun = parse_header(**next);
      if (!begun) return reader->error_here("no '@@ pid= t0= t1= vmas= comm='");
      begun->sample.line = reader->line_number();
      samples.push_back(std::move(begun->sample));
      promised = begun->vmas;
      continue;
    }
    if (samples.empty()) return reader->error_here("no '@@ pid=...' before the first maps line");
    auto entry = proc_maps::parse_line(**next);
    if (!entry) {
      return reader->error_here("column " + std::to_string(entry.error().column) + ": " +
                                std::string{entry.error().reason});
    }
    samples.back().entries.push_back(std::move(*entry));
  }
  std::ranges::sort(samples, {}, [](const maps_sample& one) { return std::pair{one.start_ns, one.line}; });
  return samples;
}

}  // namespace rcuvm::recording
