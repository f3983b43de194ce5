// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What one measured run tells: plain data between the measuring and the report.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/replay/latency.hpp"

namespace rcuvm::replay {

/// Whether, and how, an own thread walks the address spaces as `cat /proc/PID/maps` does while the workers run.
enum class walker : std::uint8_t {
  none,
  chunked,   ///< as seq_file: a chunk of lines under the design's read guard, let go, look up again
  snapshot,  ///< one version, pinned
};
inline constexpr walker walkers[] = {walker::none, walker::chunked, walker::snapshot};

/// "none", "chunked", "snapshot".
[[nodiscard]] std::string_view name_of(walker mode) noexcept;
[[nodiscard]] std::optional<walker> walker_named(std::string_view name) noexcept;

/// Numbers by key ("fault.p99_ns"); bench/report/metric.hpp says what those that a report shows mean.
using figures = std::map<std::string, double, std::less<>>;

/// Whole distributions, for plots.
struct distributions {
  latency_histogram faults;
  latency_histogram writers;
  latency_histogram walks;

  distributions& operator+=(const distributions& other) {
    faults += other.faults;
    writers += other.writers;
    walks += other.walks;
    return *this;
  }
};

/// One recording under one design, `passes` times over, in one go.
struct run {
  std::string recording;
  std::string design;
  walker mode = walker::none;
  std::uint32_t repetition = 0;  ///< 0 is the warm-up, and stands in no median
  std::uint32_t passes = 1;
  figures values;
};

/// Adds "PREFIX.count", "PREFIX.mean_ns", "PREFIX.p50_ns", "PREFIX.p99_ns", "PREFIX.p999_ns" and "PREFIX.max_ns".
void add_latencies(figures& to, std::string_view prefix, const latency_histogram& of);

}  // namespace rcuvm::replay
