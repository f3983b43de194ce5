// SPDX-License-Identifier: Apache-2.0
#include "bench/report/words.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "bench/report/list_text.hpp"
#include "bench/report/metric.hpp"
#include "bench/report/summary.hpp"

namespace rcuvm::report {

namespace {

using replay::walker;

/// A count summed over the recordings, per replay of each; medians of the repetitions.
double total_of(const result& from, std::string_view design, std::string_view key) {
  double sum = 0;
  for (const recording_facts& one : from.recordings)
    sum += spread_of(from, one.name, design, walker::none, key).median;
  return sum;
}

double largest_of(const result& from, std::string_view design, walker mode, std::string_view key) {
  double largest = 0;
  for (const recording_facts& one : from.recordings) {
    largest = std::max(largest, spread_of(from, one.name, design, mode, key).max);
  }
  return largest;
}

std::string waits_text(const result& from, std::string_view design, std::string_view what,
                       std::string_view count_key, std::string_view time_key) {
  const double count = total_of(from, design, count_key);
  if (count < 1) return {};
  const double mean_ns = total_of(from, design, time_key) / count;
  return fmt::format("{} {} in one replay of each recording, {} each on average", what,
                     to_text(count, unit::number), to_text(mean_ns, unit::nanoseconds));
}

std::vector<std::string> prices_of(const result& from, const std::string& design) {
  std::vector<std::string> made;
  if (std::string text = waits_text(from, design, "Grace periods that calls waited for:",
                                    "count.grace_periods", "count.grace_period_ns");
      !text.empty()) {
    made.push_back(text + ".");
  }
  if (std::string text = waits_text(from, design, "Waits for a dead entry to be over:",
                                    "count.tombstone_waits", "count.tombstone_wait_ns");
      !text.empty()) {
    made.push_back(text + ".");
  }
  const double held = largest_of(from, design, walker::none, "limbo.high_water_bytes");
  const double held_walked = largest_of(from, design, walker::snapshot, "limbo.high_water_bytes");
  if (held > 0 || held_walked > 0) {
    made.push_back(fmt::format("Held for readers at most: {}; {} while a thread walks snapshots.",
                               to_text(held, unit::bytes), to_text(held_walked, unit::bytes)));
  }
  const double retries = total_of(from, design, "count.retries_vma_replaced") +
                         total_of(from, design, "count.retries_table_gone") +
                         total_of(from, design, "count.retries_page_taken");
  const double faults = total_of(from, design, "count.faults");
  if (faults > 0) {
    made.push_back(fmt::format("Faults that had to look again: {:.3g} of {} ({:.2g} %).", retries,
                               to_text(faults, unit::number), 100 * retries / faults));
  }
  return made;
}

}  // namespace

std::vector<findings> find(const result& from) {
  std::vector<findings> made;
  for (const std::string& design : from.how.designs) {
    if (design == from.how.designs.front()) continue;
    findings& here = made.emplace_back();
    here.design = design;
    for (const metric* one : metrics_in(from, true)) {
      if (one->aggregate() != over_all::geometric_mean) continue;
      const summary_cell cell = summarize(from, *one, design);
      const auto text = [&](std::size_t this_way, std::string_view other_way_name, std::size_t other_way) {
        return fmt::format("{} {} (on {} of {} recordings; {} on {})", one->title, ratio_text(cell.ratio),
                           this_way, cell.recordings, other_way_name, other_way);
      };
      switch (judge(cell, *one)) {
        case verdict::better: here.better.push_back(text(cell.better, "worse", cell.worse)); break;
        case verdict::worse: here.worse.push_back(text(cell.worse, "better", cell.better)); break;
        case verdict::unclear: here.unclear.emplace_back(one->title); break;
      }
    }
    here.prices = prices_of(from, design);
  }
  return made;
}

std::string conclusion(const result& from) {
  const std::string& baseline = from.how.designs.front();
  std::vector<std::string> only_better;
  std::vector<std::string> both;
  std::vector<std::string> only_worse;
  std::vector<std::string> neither;
  for (const findings& one : find(from)) {
    std::vector<std::string>& to = !one.better.empty() ? (one.worse.empty() ? only_better : both)
                                                       : (one.worse.empty() ? neither : only_worse);
    to.push_back(one.design);
  }
  std::vector<std::string> parts;
  const auto say = [&](const std::vector<std::string>& designs, std::string_view what) {
    if (!designs.empty()) parts.push_back(fmt::format("{} {}", list_text(designs), what));
  };
  say(only_better, "gained something and lost nothing that the spread would not explain");
  say(both, "gained on one side and paid on another");
  say(only_worse, "lost without a clear gain");
  say(neither, "showed no clear difference");
  if (parts.empty()) return fmt::format("Only {} was measured: there is nothing to compare.", baseline);
  return fmt::format(
      "Against {}: {}. \"Clear\" means: on at least half of the recordings no repetition of the one lies "
      "among those of the other.",
      baseline, list_text(parts, "; "));
}

}  // namespace rcuvm::report
