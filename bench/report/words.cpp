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
  const double needed = total_of(from, design, "count.retries_true");
  const double spurious = total_of(from, design, "count.retries_spurious");
  const double faults = total_of(from, design, "count.faults");
  if (faults > 0) {
    made.push_back(
        fmt::format("Faults that started again: {:.3g} because their own mapping had changed, {:.3g} for "
                    "nothing, of {} in one replay of each ({:.2g} %).",
                    needed, spurious, to_text(faults, unit::number), 100 * (needed + spurious) / faults));
  }
  const double locked =
      total_of(from, design, "count.fallbacks_writer") + total_of(from, design, "count.fallbacks_retries");
  if (locked > 0) {
    made.push_back(
        fmt::format("Faults that took the lock: {:.3g} ({:.2g} %).", locked, 100 * locked / faults));
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
      switch (judge(cell, *one)) {
        case verdict::better:
          here.better.push_back({one->title, cell.ratio, cell.better, cell.worse, cell.recordings});
          break;
        case verdict::worse:
          here.worse.push_back({one->title, cell.ratio, cell.worse, cell.better, cell.recordings});
          break;
        case verdict::unclear: here.unclear.emplace_back(one->title); break;
      }
    }
    here.prices = prices_of(from, design);
  }
  return made;
}

std::string yardstick(const result& from) {
  const std::string& baseline = from.how.designs.front();
  if (from.how.designs.size() == 1)
    return fmt::format("Only {} was measured: there is nothing to compare.", baseline);
  return fmt::format(
      "Each design against {}. Clearly better or worse: on at least half of the recordings none of its "
      "repetitions lies "
      "among those of {}, rarely the other way round, and by {:.0f} % or more in the mean.",
      baseline, baseline, least_difference * 100);
}

std::string one_line(const findings& of) {
  const auto list = [](const std::vector<finding>& items) {
    std::vector<std::string> texts;
    for (const finding& one : items) texts.push_back(fmt::format("{} {}", one.title, ratio_text(one.ratio)));
    return list_text(texts);
  };
  std::string made = of.design + ": ";
  if (!of.better.empty()) made += "clearly better at " + list(of.better);
  if (!of.better.empty() && !of.worse.empty()) made += "; ";
  if (!of.worse.empty()) made += "clearly worse at " + list(of.worse);
  return of.better.empty() && of.worse.empty() ? made + "no clear difference" : made;
}

}  // namespace rcuvm::report
