// SPDX-License-Identifier: Apache-2.0
#pragma once

/// From a rival's type to its line in the list of rivals.

#include "bench/tree/benchmarks.hpp"
#include "bench/tree/check.hpp"
#include "bench/tree/instructions.hpp"
#include "bench/tree/rivals/rivals.hpp"

namespace rcuvm::tree_bench {

template <rival Rival>
[[nodiscard]] rival_entry entry_of() {
  return {Rival::name, Rival::what, &add_benchmarks<Rival>, &count_all_instructions<Rival>,
          &check_rival<Rival>};
}

}  // namespace rcuvm::tree_bench
