// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "bench/tree/data_set.hpp"

namespace rcuvm::tree_bench {

/// What a map keeps beside a range's end.
struct place {
  std::uint64_t start = 0;
  const record* at = nullptr;
};

}  // namespace rcuvm::tree_bench
