// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "explore/scenarios/scenario.hpp"
#include "explore/search/replay.hpp"

int main() {
  using namespace rcuvm::explore;
  for (const scenario& each : all_scenarios()) {
    for (const subject& one : each.subjects) {
      const search_result got = explore(one.body, one.search);
      fmt::print("{:<24} {:<12} {:>9} schedules {:6.1f} steps {:6.0f} k/s {:6.2f} s {} {} [{}]\n", each.name,
                 one.design, got.schedules,
                 static_cast<double>(got.steps) / static_cast<double>(got.schedules),
                 static_cast<double>(got.schedules) / got.seconds / 1000, got.seconds,
                 got.is_complete ? "complete" : "", got.found.what, to_text(got.schedule));
    }
  }
}
