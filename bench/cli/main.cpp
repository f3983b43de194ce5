// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/cli.hpp"

int main(int argc, char** argv) { return rcuvm::cli::run(argc, argv); }
