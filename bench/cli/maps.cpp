// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/cli/cli.hpp"
#include "bench/cli/command.hpp"
#include "proc_maps/format.hpp"
#include "proc_maps/parse.hpp"

namespace rcuvm::cli {

namespace {

using proc_maps::entry;

std::string read_all(const std::string& file) {
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in.is_open() || in.bad())
    throw refusal{fmt::format("{}: {}", file, std::strerror(errno != 0 ? errno : EIO))};
  return text;
}

/// G1 and G2 of a maps text: addresses rise, nothing overlaps. The index of the first line that breaks that; else size.
std::size_t first_out_of_order(const std::vector<entry>& entries) {
  for (std::size_t index = 0; index < entries.size(); ++index) {
    if (entries[index].where.is_empty()) return index;
    if (index > 0 && entries[index].where.start < entries[index - 1].where.end) return index;
  }
  return entries.size();
}

nlohmann::json to_json(const entry& one) {
  const std::string line = proc_maps::format_line(one);
  return {{"start", fmt::format("{:x}", one.where.start)},
          {"end", fmt::format("{:x}", one.where.end)},
          {"permissions", line.substr(line.find(' ') + 1, 4)},
          {"offset", one.offset},
          {"device", fmt::format("{:02x}:{:02x}", one.device_major, one.device_minor)},
          {"inode", one.inode},
          {"name", one.name}};
}

void print(const std::vector<entry>& entries, bool is_json) {
  if (!is_json) {
    fmt::print("{}", proc_maps::format(entries));
    return;
  }
  nlohmann::json all = nlohmann::json::array();
  for (const entry& one : entries) all.push_back(to_json(one));
  fmt::print("{}\n", all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
}

int show(const std::string& what, bool is_json) {
  const bool is_pid =
      !what.empty() && std::ranges::all_of(what, [](char one) { return one >= '0' && one <= '9'; });
  const std::string file = is_pid ? "/proc/" + what + "/maps" : what;
  const auto entries = proc_maps::parse(read_all(file));
  if (!entries) throw refusal{file + ":" + entries.error().to_text()};
  print(*entries, is_json);
  const std::size_t broken = first_out_of_order(*entries);
  if (broken == entries->size()) return ok;
  fmt::print(stderr, "rcuvm: {}:{}: begins below the end of the line before it, or is empty\n", file,
             broken + 1);
  return differences;
}

}  // namespace

void add_maps(CLI::App& program, int& code) {
  struct options {
    std::string what;
    bool is_json = false;
  };
  const auto how = std::make_shared<options>();
  CLI::App* const command = program.add_subcommand("maps", "Parses, checks and prints a /proc/PID/maps");
  command->add_option("what", how->what, "A process number, or a file of that format")
      ->required()
      ->type_name("FILE|PID");
  command->add_flag("--json", how->is_json, "As JSON: one object a line of the file");
  command->callback([how, &code] { code = show(how->what, how->is_json); });
}

}  // namespace rcuvm::cli
