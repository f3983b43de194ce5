// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/instructions.hpp"

#include <fmt/format.h>

#include <cstdio>

/// Valgrind knows it by this name.
extern "C" [[gnu::noinline]] void rcuvm_counted(const std::function<void()>& run) {
  run();
  benchmark::ClobberMemory();  // no tail call: the dump comes after the return
}

namespace rcuvm::tree_bench {

void count_instructions(const std::string& name, std::size_t operations, const std::function<void()>& run) {
  run();  // what fits into the caches is there, and what is made once
  rcuvm_counted(run);
  fmt::print("{} {}\n", name, operations);
  std::fflush(stdout);
}

}  // namespace rcuvm::tree_bench
