// SPDX-License-Identifier: Apache-2.0
#include "bench/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace rcuvm::report {

namespace {

constexpr std::uint32_t least_cores_for_scaling = 4;
constexpr double most_spread = 0.25;        // of a baseline figure, (max - min) / median
constexpr double most_load_per_core = 0.5;  // before the first run
constexpr std::uint32_t least_repetitions = 3;

double put_together(over_all how, const std::vector<double>& medians) {
  if (medians.empty()) return 0;
  switch (how) {
    case over_all::largest: return *std::ranges::max_element(medians);
    case over_all::sum: return std::accumulate(medians.begin(), medians.end(), 0.0);
    case over_all::geometric_mean: break;
  }
  return geometric_mean(medians);
}

bool is_noisy(const result& from, std::string& worst) {
  double widest = 0;
  for (const recording_facts& one : from.recordings) {
    for (std::string_view key : {"faults_per_s", "fault.p50_ns", "writer.p50_ns"}) {
      const spread found = spread_of(from, one.name, from.how.designs.front(), replay::walker::none, key);
      if (found.relative_width() <= widest) continue;
      widest = found.relative_width();
      worst = fmt::format("{} of {} under {} spread over {:.0f} % of its median", key, one.name,
                          from.how.designs.front(), widest * 100);
    }
  }
  return widest > most_spread;
}

}  // namespace

summary_cell summarize(const result& from, const metric& of, std::string_view design) {
  summary_cell made;
  std::vector<double> medians;
  std::vector<double> ratios;
  for (const recording_facts& one : from.recordings) {
    const spread mine = spread_of(from, one.name, design, of.mode, of.key);
    if (mine.count == 0) continue;
    const spread base = spread_of(from, one.name, from.how.designs.front(), of.mode, of.key);
    medians.push_back(mine.median);
    if (base.median > 0 && mine.median > 0) ratios.push_back(mine.median / base.median);
    ++made.recordings;
    switch (judge(mine, base, of)) {
      case verdict::better: ++made.better; break;
      case verdict::worse: ++made.worse; break;
      case verdict::unclear: break;
    }
  }
  made.absolute = put_together(of.aggregate(), medians);
  made.ratio = geometric_mean(ratios);
  return made;
}

verdict judge(const spread& design, const spread& baseline, const metric& of) noexcept {
  if (design.count == 0 || baseline.count == 0 || !design.is_clear_of(baseline)) return verdict::unclear;
  const bool is_lower = design.median < baseline.median;
  return is_lower == (of.direction == better::lower) ? verdict::better : verdict::worse;
}

verdict judge(const summary_cell& cell, const metric& of) noexcept {
  if (cell.recordings == 0) return verdict::unclear;
  const bool is_near = cell.ratio > 1 - least_difference && cell.ratio < 1 + least_difference;
  if (cell.ratio > 0 && is_near) return verdict::unclear;
  const bool is_lower_better = of.direction == better::lower;
  const bool is_mean_better = cell.ratio == 0 || (cell.ratio < 1) == is_lower_better;
  const bool is_mean_worse = cell.ratio == 0 || (cell.ratio > 1) == is_lower_better;
  if (is_mean_better && cell.better * 2 >= cell.recordings && cell.better > 2 * cell.worse)
    return verdict::better;
  if (is_mean_worse && cell.worse * 2 >= cell.recordings && cell.worse > 2 * cell.better)
    return verdict::worse;
  return verdict::unclear;
}

std::vector<const metric*> metrics_in(const result& from, bool summary_only) {
  std::vector<const metric*> made;
  for (const metric& one : metrics()) {
    if (summary_only && !one.is_in_summary) continue;
    const bool is_used = std::ranges::any_of(from.runs, [&](const replay::run& run) {
      const auto found = run.values.find(one.key);
      return run.mode == one.mode && found != run.values.end() && found->second != 0;
    });
    if (is_used) made.push_back(&one);
  }
  return made;
}

std::vector<std::string> warnings_of(const result& from) {
  std::vector<std::string> made;
  const machine_facts& on = from.machine;
  if (on.has_assertions || !on.is_optimized || !on.sanitizer.empty()) {
    made.emplace_back(
        "This build is for finding faults, not for measuring (assertions, no optimisation or a sanitizer): "
        "the figures say nothing about the designs.");
  }
  if (on.cores < least_cores_for_scaling) {
    made.push_back(fmt::format(
        "The machine has {} core{}: enough to see what a call costs and who waits for whom, too few "
        "for any claim on how a design scales.",
        on.cores, on.cores == 1 ? "" : "s"));
  }
  if (from.how.workers + 1 > on.cores) {
    made.push_back(fmt::format(
        "{} workers, a walker and the reclaimer share {} cores: maxima and p99.9 hold time slices of "
        "the operating system, under every design.",
        from.how.workers, on.cores));
  }
  if (on.load_before[0] > most_load_per_core * on.cores) {
    made.push_back(fmt::format(
        "The machine was busy before the first run: load {:.1f} on {} cores. Differences below the "
        "spread are not to be believed.",
        on.load_before[0], on.cores));
  }
  if (std::string worst; is_noisy(from, worst)) {
    made.push_back(fmt::format("The baseline itself is noisy: {}.", worst));
  }
  if (from.how.repetitions < least_repetitions) {
    made.push_back(fmt::format("{} repetition{}: the spread is not known.", from.how.repetitions,
                               from.how.repetitions == 1 ? "" : "s"));
  }
  double different = 0;
  for (const replay::run& run : from.runs) {
    if (const auto found = run.values.find("different"); found != run.values.end())
      different += found->second;
  }
  if (different > 0) {
    made.push_back(
        "Some calls or faults were answered otherwise than in recorded order on one thread; the details "
        "count "
        "them.");
  }
  return made;
}

}  // namespace rcuvm::report
