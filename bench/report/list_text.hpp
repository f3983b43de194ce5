// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rcuvm::report {

/// "a, b, c". (fmt::join makes g++ 12 warn about its own code at -O3.)
[[nodiscard]] inline std::string list_text(const std::vector<std::string>& items,
                                           std::string_view between = ", ") {
  std::string made;
  for (const std::string& one : items) {
    if (!made.empty()) made += between;
    made += one;
  }
  return made;
}

}  // namespace rcuvm::report
