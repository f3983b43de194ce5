// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A small workload for tests: a mapper beside a reader that stays.

#include <string_view>

#include "bench/workload/scenario.hpp"

namespace rcuvm::workload {

inline scenario stays() {
  constexpr std::string_view text = R"({"name": "n", "source": "s", "what": "w", "threads": [
    {"name": "mapper", "count": 1, "loop": [
      {"do": "map", "pages": 2, "at": "own"}, {"do": "touch", "for": "write"}, {"do": "unmap"}]},
    {"name": "reader", "setup": [{"do": "map", "pages": 1, "at": "own"}], "loop": [{"do": "stay", "ns": 5}]}]})";
  return parse(text, "text");
}

}  // namespace rcuvm::workload
