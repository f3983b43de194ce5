// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Several writers of one tree: each with the writer lock, or together in one published version.

#include <memory>

#include "bench/tree/workload.hpp"

namespace rcuvm::tree_bench {

/// writers_N_lock/DATA and writers_N_group/DATA: N threads (1, 2, 4) that erase and store ranges of their own.
void add_writer_benchmarks(const std::shared_ptr<workload>& on);

}  // namespace rcuvm::tree_bench
