// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "explore/engine/finding.hpp"
#include "explore/engine/step.hpp"

namespace rcuvm::explore {

std::string_view name_of(operation what) noexcept {
  static constexpr std::array<std::string_view, 23> names{
      "start",          "load",           "store",          "update",         "use",      "lock",
      "try lock",       "unlock",         "wait",           "woken",          "time-out", "notify",
      "read section {", "} read section", "grace period {", "} grace period", "join",     "yield",
      "fence",          "allocate",       "free",           "choose",         "end"};
  return names[static_cast<std::size_t>(what)];
}

std::string_view name_of(finding_kind kind) noexcept {
  static constexpr std::array<std::string_view, 11> names{
      "nothing",   "broken check", "use after free", "wild touch", "double free", "leak",
      "data race", "deadlock",     "lock order",     "endless",    "divergence"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace rcuvm::explore
