// SPDX-License-Identifier: Apache-2.0
#include "bench/report/metric.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace rcuvm::report {

namespace {

using replay::walker;

constexpr metric all_metrics[] = {
    {"faults_per_s", walker::none, "faults/s",
     "page faults served per second of the whole replay, all workers together", unit::per_second,
     better::higher, side::faults, true},
    {"fault.p50_ns", walker::none, "fault p50", "median latency of a page fault", unit::nanoseconds,
     better::lower, side::faults, true},
    {"fault.p99_ns", walker::none, "fault p99", "99th percentile of a page fault's latency",
     unit::nanoseconds, better::lower, side::faults, true},
    {"fault.p999_ns", walker::none, "fault p99.9", "99.9th percentile of a page fault's latency",
     unit::nanoseconds, better::lower, side::faults, false},
    {"fault.max_ns", walker::none, "fault max", "slowest page fault", unit::nanoseconds, better::lower,
     side::faults, false},
    {"fault.p99_ns", walker::chunked, "fault p99 + walks",
     "the same while another thread walks the maps in chunks", unit::nanoseconds, better::lower, side::faults,
     true},

    {"writer.p50_ns", walker::none, "writer p50", "median latency of all calls that change the maps",
     unit::nanoseconds, better::lower, side::writers, true},
    {"writer.p99_ns", walker::none, "writer p99", "99th percentile of all calls that change the maps",
     unit::nanoseconds, better::lower, side::writers, true},
    {"mmap.p50_ns", walker::none, "mmap p50", "median latency of mmap", unit::nanoseconds, better::lower,
     side::writers, false},
    {"mmap.p99_ns", walker::none, "mmap p99", "99th percentile of mmap", unit::nanoseconds, better::lower,
     side::writers, false},
    {"munmap.p50_ns", walker::none, "munmap p50", "median latency of munmap", unit::nanoseconds,
     better::lower, side::writers, true},
    {"munmap.p99_ns", walker::none, "munmap p99", "99th percentile of munmap", unit::nanoseconds,
     better::lower, side::writers, true},
    {"mprotect.p50_ns", walker::none, "mprotect p50", "median latency of mprotect", unit::nanoseconds,
     better::lower, side::writers, false},
    {"mprotect.p99_ns", walker::none, "mprotect p99", "99th percentile of mprotect", unit::nanoseconds,
     better::lower, side::writers, false},
    {"writer.p99_ns", walker::chunked, "writer p99 + walks",
     "99th percentile of all changing calls while another thread walks the maps in chunks", unit::nanoseconds,
     better::lower, side::writers, true},
    {"writer.p99_ns", walker::snapshot, "writer p99 + snapshots",
     "99th percentile of all changing calls while another thread walks pinned snapshots", unit::nanoseconds,
     better::lower, side::writers, false},

    {"walk.p50_ns", walker::chunked, "walk p50",
     "median time of one walk of a whole address space, in chunks, printing each line", unit::nanoseconds,
     better::lower, side::walks, false},
    {"walk.p99_ns", walker::chunked, "walk p99", "99th percentile of a walk in chunks", unit::nanoseconds,
     better::lower, side::walks, true},
    {"walk.p50_ns", walker::snapshot, "snapshot p50", "median time of one walk of a pinned snapshot",
     unit::nanoseconds, better::lower, side::walks, false},
    {"walk.p99_ns", walker::snapshot, "snapshot p99", "99th percentile of a walk of a pinned snapshot",
     unit::nanoseconds, better::lower, side::walks, true},

    {"count.retries_true", walker::none, "true retries",
     "faults that started again, and found another mapping for their page than before", unit::number,
     better::lower, side::retries, true},
    {"count.retries_spurious", walker::none, "spurious retries",
     "faults that started again because of a change elsewhere: their page's mapping was the same",
     unit::number, better::lower, side::retries, true},
    {"count.longest_retries", walker::none, "longest series",
     "most attempts of one fault that came to nothing", unit::number, better::lower, side::retries, true,
     true},
    {"count.fallbacks_writer", walker::none, "lock, writer inside",
     "attempts with the lock, because a writer was inside", unit::number, better::lower, side::retries, true},
    {"count.fallbacks_retries", walker::none, "lock, after retries",
     "attempts with the lock, after those without had failed", unit::number, better::lower, side::retries,
     false},
    {"count.waits_vma_building", walker::none, "turned away",
     "times a fault met a mapping that a writer was at, or whose old pages were still being removed",
     unit::number, better::lower, side::retries, false},
    {"count.retries_vma_replaced", walker::none, "late at the table",
     "faults whose mapping had changed by the time they had locked its page table", unit::number,
     better::lower, side::retries, false},
    {"count.advice_retries", walker::none, "advice again",
     "times madvise about pages started again, because a writer was at the mapping", unit::number,
     better::lower, side::retries, false},
    {"count.vma_waits", walker::none, "waits for faults",
     "times a writer waited for faults inside a VMA that it changes", unit::number, better::lower,
     side::retries, false},
    {"count.range_waits", walker::none, "waits for writers",
     "times a writer waited for the page work of another one", unit::number, better::lower, side::retries,
     false},

    {"limbo.high_water_bytes", walker::none, "held by RCU",
     "most memory at one time that was unlinked and waited for a grace period", unit::bytes, better::lower,
     side::memory, true},
    {"limbo.high_water_bytes", walker::snapshot, "held + snapshots",
     "the same while another thread pins snapshots", unit::bytes, better::lower, side::memory, false},
    {"count.grace_periods", walker::none, "grace periods waited",
     "grace periods that a call itself waited for", unit::number, better::lower, side::memory, true},
    {"count.tombstone_waits", walker::none, "tombstone waits",
     "calls over a dead entry that had to wait until it was over", unit::number, better::lower, side::memory,
     false},
    {"limbo.throttled", walker::none, "throttled", "writers slowed down because limbo was full", unit::number,
     better::lower, side::memory, false},
    {"different", walker::none, "different answers",
     "calls and faults that were answered otherwise than in recorded order on one thread", unit::number,
     better::lower, side::memory, false},
};

struct scale {
  double from;
  double divisor;
  std::string_view suffix;
};

std::string scaled(double value, std::span<const scale> scales) {
  const scale* chosen = scales.data();
  for (const scale& one : scales) {
    if (std::fabs(value) >= one.from) chosen = &one;
  }
  const double shown = value / chosen->divisor;
  const int decimals =
      std::fabs(shown) >= 99.95 || shown == std::floor(shown) ? 0 : (std::fabs(shown) >= 9.995 ? 1 : 2);
  return fmt::format("{:.{}f}{}", shown, decimals, chosen->suffix);
}

}  // namespace

std::string_view name_of(side which) noexcept {
  static constexpr std::array<std::string_view, std::size(sides)> names{
      "Page faults", "Writers", "Walks", "Retries and fallbacks", "Memory and grace periods"};
  return names[static_cast<std::size_t>(which)];
}

std::span<const metric> metrics() noexcept { return all_metrics; }

std::string to_text(double value, unit in) {
  static constexpr scale times[] = {
      {0, 1, " ns"}, {999.5, 1e3, " µs"}, {999.5e3, 1e6, " ms"}, {999.5e6, 1e9, " s"}};
  static constexpr scale rates[] = {{0, 1, "/s"}, {999.5, 1e3, " k/s"}, {999.5e3, 1e6, " M/s"}};
  static constexpr scale sizes[] = {{0, 1, " B"},
                                    {1024, 1024, " KiB"},
                                    {1024 * 1024, 1024 * 1024, " MiB"},
                                    {1073741824, 1073741824, " GiB"}};
  static constexpr scale numbers[] = {{0, 1, ""}, {99'999.5, 1e3, " k"}, {999.5e3, 1e6, " M"}};
  switch (in) {
    case unit::nanoseconds: return scaled(value, times);
    case unit::per_second: return scaled(value, rates);
    case unit::bytes: return scaled(value, sizes);
    case unit::number: break;
  }
  return scaled(value, numbers);
}

std::string ratio_text(double ratio) {
  if (!(ratio > 0)) return "-";
  const int decimals = ratio < 9.995 ? 2 : (ratio < 99.95 ? 1 : 0);
  return fmt::format("{:.{}f}x", ratio, decimals);
}

}  // namespace rcuvm::report
