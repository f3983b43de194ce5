// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "bench/cli/cli.hpp"
#include "bench/report/list_text.hpp"
#include "rcuvm/designs/designs.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::cli {

namespace {

constexpr std::uint32_t most_workers = 60;  // of vm::machine::max_cpus

std::string known_recordings() {
  std::set<std::string> names;
  for (const auto& folder : {recording::bundled_folder(), recording::shared_folder()}) {
    for (const recording::location& one : recording::list(folder)) names.insert(one.name);
  }
  return names.empty() ? "none are installed; give a path" : report::list_text({names.begin(), names.end()});
}

}  // namespace

std::vector<std::string> designs_named(const std::string& list) {
  const std::vector<std::string> known = designs::names();
  if (list == "all") return known;
  std::set<std::string> wanted;
  std::size_t start = 0;
  while (start <= list.size()) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    const std::string name = list.substr(start, end - start);
    if (std::ranges::find(known, name) == known.end()) {
      throw refusal{fmt::format("unknown design '{}'; there are: {}, all", name, report::list_text(known))};
    }
    wanted.insert(name);
    start = end + 1;
  }
  std::vector<std::string> made;
  std::ranges::copy_if(known, std::back_inserter(made),
                       [&](const std::string& one) { return wanted.contains(one); });
  return made;
}

void add_readers(CLI::App& command, sync::reader_wait& into) {
  using sync::reader_wait;
  const std::string sleep{sync::name_of(reader_wait::sleep)};
  const std::string spin{sync::name_of(reader_wait::spin)};
  command
      .add_option_function<std::string>(
          "--readers",
          [&into, spin](const std::string& named) {
            into = named == spin ? reader_wait::spin : reader_wait::sleep;
          },
          "What readers of a semaphore do when they have to wait: sleep at once, as in Linux since 5.11, or "
          "spin first, as in 5.3 to 5.10 (writers spin in both)")
      ->check(CLI::IsMember({sleep, spin}))
      ->default_str(std::string{sync::name_of(into)});
}

std::vector<recording::trace> read_traces(const std::vector<std::string>& names_or_paths) {
  std::vector<recording::trace> made;
  std::set<std::string> names;
  for (const std::string& one : names_or_paths) {
    const auto where = recording::locate(one);
    if (!where) {
      throw refusal{fmt::format("{}; there are: {}", where.error().to_text(), known_recordings())};
    }
    if (!names.insert(where->name).second) continue;
    auto read = recording::read(*where);
    if (!read) throw refusal{read.error().to_text()};
    for (const std::string& warning : read->report.warnings)
      fmt::print(stderr, "rcuvm: {}: {}\n", one, warning);
    made.push_back(*std::move(read));
  }
  return made;
}

std::uint32_t default_workers() { return std::clamp(sync::hardware_threads(), 2U, most_workers); }

int run(int argc, const char* const* argv) {
  int code = ok;
  try {
    if (is_explore(argc, argv)) become_explorer(argc, argv);
    CLI::App program{
        "Address spaces read under RCU: replays recorded programs under several locking designs"};
    program.name("rcuvm");
    program.require_subcommand(1);
    program.footer(
        "Examples:\n"
        "  rcuvm review                                 all designs on the bundled recordings; writes "
        "report/\n"
        "  rcuvm replay nginx_wrk --design replace      one replay, one table\n"
        "  rcuvm replay nginx_wrk --strict              the model's maps against the recorded ones\n"
        "  rcuvm workload page_fault1 mmap1             known workloads under all designs\n"
        "  rcuvm grace-curve --readers 1                munmap against how long readers stay\n"
        "  rcuvm maps $$                                print and check /proc/PID/maps\n"
        "  rcuvm explore grace-period                   a small scenario in every order of its threads\n"
        "  rcuvm diff-kernel --ops 100000 --seed 7      random calls, here and on the running kernel\n"
        "\nExit status: 0 all well, 1 differences or a failed check, 2 wrong usage or bad input.");
    add_review(program, code);
    add_replay(program, code);
    add_workload(program, code);
    add_grace_curve(program, code);
    add_maps(program, code);
    add_designs(program, code);
    add_explore(program);
    add_diff_kernel(program, code);
    try {
      program.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
      return program.exit(problem) == 0 ? ok : bad_input;
    }
    return code;
  } catch (const refusal& problem) {
    fmt::print(stderr, "rcuvm: {}\n", problem.what());
    return bad_input;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "rcuvm: {}\n", problem.what());
    return differences;
  }
}

}  // namespace rcuvm::cli
