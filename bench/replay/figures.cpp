// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/figures.hpp"

#include <array>

namespace rcuvm::replay {

namespace {

constexpr std::array<std::string_view, std::size(walkers)> walker_names{"none", "chunked", "snapshot"};

}  // namespace

std::string_view name_of(walker mode) noexcept { return walker_names[static_cast<std::size_t>(mode)]; }

std::optional<walker> walker_named(std::string_view name) noexcept {
  for (walker mode : walkers) {
    if (name_of(mode) == name) return mode;
  }
  return std::nullopt;
}

void add_latencies(figures& to, std::string_view prefix, const latency_histogram& of) {
  const latency_summary found = of.summarize();
  const auto add = [&](std::string_view what, double value) { to[std::string{prefix}.append(what)] = value; };
  add(".count", static_cast<double>(found.count));
  add(".mean_ns", found.mean_ns);
  add(".p50_ns", found.p50_ns);
  add(".p99_ns", found.p99_ns);
  add(".p999_ns", found.p999_ns);
  add(".max_ns", found.max_ns);
}

}  // namespace rcuvm::replay
