// SPDX-License-Identifier: Apache-2.0
#include "bench/report/gnuplot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "bench/report/write_file.hpp"

extern char** environ;

namespace rcuvm::report {

namespace {

enum class gnuplot_outcome : std::uint8_t { drawn, not_installed, failed };

/// Runs `gnuplot SCRIPT` in `folder`.
gnuplot_outcome run_gnuplot(const std::filesystem::path& folder, const std::string& script) {
  posix_spawn_file_actions_t actions{};
  if (::posix_spawn_file_actions_init(&actions) != 0) return gnuplot_outcome::failed;
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::string program = "gnuplot";
  std::string argument = script;
  const std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return failed == ENOENT ? gnuplot_outcome::not_installed : gnuplot_outcome::failed;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return gnuplot_outcome::failed;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? gnuplot_outcome::drawn : gnuplot_outcome::failed;
}

}  // namespace

std::string time_tics(char axis) {
  return fmt::format(
      "set {}tics ('10 ns' 10, '100 ns' 100, '1 µs' 1e3, '10 µs' 1e4, '100 µs' 1e5, '1 ms' 1e6, '10 ms' 1e7, "
      "'100 ms' 1e8, '1 s' 1e9)\n",
      axis);
}

std::string draw(const std::filesystem::path& folder, const std::string& name, const std::string& data,
                 const std::string& script) {
  write_file(folder / (name + ".tsv"), data);
  write_file(folder / (name + ".gp"), script);
  switch (run_gnuplot(folder, name + ".gp")) {
    case gnuplot_outcome::drawn: return {};
    case gnuplot_outcome::failed:
      return fmt::format("gnuplot could not draw {}.gp: the plot is missing.", name);
    case gnuplot_outcome::not_installed: break;
  }
  return fmt::format("gnuplot is not installed: {0}.svg is missing ({0}.tsv and {0}.gp are there).", name);
}

std::string gnuplot_text(std::string from) {
  std::ranges::replace_if(
      from, [](char byte) { return byte == '\'' || static_cast<unsigned char>(byte) < ' '; }, ' ');
  return "'" + from + "'";
}

std::string read_svg(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const std::size_t start = text.find("<svg");
  const std::size_t end = text.rfind("</svg>");
  if (start == std::string::npos || end == std::string::npos) return {};
  return text.substr(start, end + 6 - start);
}

}  // namespace rcuvm::report
