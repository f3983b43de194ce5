// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The rcuvm-bench-tree command line.

namespace rcuvm::tree_bench {

/// The whole program: figures on stdout, errors on stderr. Returns 0; 1: a check found a wrong answer; 2: wrong usage or
/// bad input.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace rcuvm::tree_bench
