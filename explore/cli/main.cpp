// SPDX-License-Identifier: Apache-2.0
#include "explore/cli/command.hpp"

int main(int argc, char** argv) { return rcuvm::explore::cli::run(argc, argv); }
