// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/designs/designs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/cli/command.hpp"

namespace rcuvm::cli {

void add_designs(CLI::App& program, int& code) {
  CLI::App* const command = program.add_subcommand("designs", "The locking designs that can be compared");
  command->callback([&code] {
    std::size_t width = 0;
    for (const std::string& name : designs::names()) width = std::max(width, name.size());
    designs::for_each(
        [width]<class Design> { fmt::print("{:<{}}  {}\n", Design::name, width, Design::summary); });
    code = 0;
  });
}

}  // namespace rcuvm::cli
