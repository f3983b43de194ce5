// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include "bench/cli/cli.hpp"
#include "bench/cli/command.hpp"

namespace rcuvm::cli {

// The explorer is a program of its own: the same library, compiled a second time with every access seen.

void add_explore(CLI::App& program) {
  program.add_subcommand("explore",
                         "Searches the interleavings of small scenarios, and tells failing ones as stories");
}

bool is_explore(int argc, const char* const* argv) {
  return argc > 1 && std::string_view{argv[1]} == "explore";
}

std::filesystem::path explorer_path() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "rcuvm-explore";
}

void become_explorer(int argc, const char* const* argv) {
  const std::string path = explorer_path().string();
  std::vector<char*> arguments{const_cast<char*>(path.c_str())};  // execv changes none of them
  for (int i = 2; i < argc; ++i) arguments.push_back(const_cast<char*>(argv[i]));
  arguments.push_back(nullptr);
  ::execv(path.c_str(), arguments.data());
  throw refusal{errno == ENOENT
                    ? fmt::format("{} is not there; the presets release and checked build it", path)
                    : fmt::format("{}: {}", path, std::strerror(errno))};
}

}  // namespace rcuvm::cli
