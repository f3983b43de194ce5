// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/program.hpp"

int main(int argc, char** argv) { return rcuvm::tree_bench::run(argc, argv); }
