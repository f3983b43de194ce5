// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/program.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/report/list_text.hpp"
#include "bench/tree/curves.hpp"
#include "bench/tree/figures.hpp"
#include "bench/tree/read_section.hpp"
#include "bench/tree/reporter.hpp"
#include "bench/tree/rivals/kernel_maple.hpp"
#include "bench/tree/rivals/rivals.hpp"
#include "bench/tree/summary.hpp"
#include "bench/tree/workload.hpp"
#include "bench/tree/writers.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::tree_bench {

namespace {

struct options {
  std::vector<std::size_t> sizes{40, 1'000, 30'000, 128'000, 1'000'000};
  std::vector<std::string> maps;
  std::vector<std::string> recordings;
  std::vector<std::string> only;
  std::string kernel_maple;
  std::uint64_t seed = 42;
  std::vector<std::string> summarized;
  std::string output;
  bool is_curve = false;
  bool checks = false;
  bool counts = false;
  bool lists = false;
};

class bad_input : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Google Benchmark's own flags stand beside ours on the command line.
bool is_for_google_benchmark(std::string_view argument) { return argument.starts_with("--benchmark_"); }

/// Medians over interleaved repetitions, unless the user says otherwise: later flags win.
std::vector<std::string> benchmark_flags(const options& how, int argc, char** argv) {
  std::vector<std::string> flags{"rcuvm-bench-tree", "--benchmark_enable_random_interleaving=true",
                                 "--benchmark_repetitions=9", "--benchmark_min_time=0.03"};
  if (how.is_curve) {
    flags.emplace_back("--benchmark_repetitions=3");
    flags.push_back("--benchmark_filter=" + curve_filter());
  }
  for (int i = 1; i < argc; ++i) {
    if (is_for_google_benchmark(argv[i])) flags.emplace_back(argv[i]);
  }
  return flags;
}

template <class T>
T expect(std::expected<T, std::string> read) {
  if (!read) throw bad_input{read.error()};
  return *std::move(read);
}

std::vector<std::shared_ptr<workload>> workloads_of(const options& how) {
  std::vector<std::shared_ptr<workload>> made;
  const auto add = [&](data_set set) {
    made.push_back(std::make_shared<workload>(std::move(set), how.seed));
  };
  for (const std::size_t size : how.is_curve ? curve_sizes() : how.sizes) add(make_clusters(size, how.seed));
  for (const std::string& file : how.maps) add(expect(read_maps(file)));
  for (const std::string& name : how.recordings) add(expect(read_recording(name)));
  return made;
}

std::vector<rival_entry> chosen_rivals(const options& how) {
  std::vector<rival_entry> chosen = rivals();
  if (how.only.empty()) return chosen;
  std::vector<std::string> known;
  for (const rival_entry& one : chosen) known.emplace_back(one.name);
  for (const std::string& name : how.only) {
    if (std::ranges::find(known, name) == known.end())
      throw bad_input{fmt::format("unknown rival '{}'; there are: {}", name, report::list_text(known))};
  }
  std::erase_if(chosen, [&](const rival_entry& one) {
    return std::ranges::find(how.only, one.name) == how.only.end();
  });
  return chosen;
}

int check(const options& how) {
  bool is_right = true;
  for (const auto& on : workloads_of(how)) {
    for (const rival_entry& one : chosen_rivals(how)) {
      const auto found = one.check(*on);
      for (const std::string& line : found) fmt::print("{}\n", line);
      fmt::print("{}: {} on {}\n", found.empty() ? "ok" : "WRONG", one.name, on->name());
      is_right = is_right && found.empty();
    }
  }
  return is_right ? 0 : 1;
}

int count(const options& how) {
  for (const auto& on : workloads_of(how)) {
    for (const rival_entry& one : chosen_rivals(how)) one.count_instructions(on);
  }
  return 0;
}

int measure(const options& how, int argc, char** argv) {
  std::vector<std::string> flags = benchmark_flags(how, argc, argv);
  std::vector<char*> arguments;
  for (std::string& one : flags) arguments.push_back(one.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  describe_run(how.seed);
  add_read_section_benchmark();
  for (const auto& on : workloads_of(how)) {
    for (const rival_entry& one : chosen_rivals(how)) one.add_benchmarks(on);
    if (how.only.empty() && !how.is_curve) add_writer_benchmarks(on);
  }
  median_reporter reporter;
  const std::size_t matching = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::ClearRegisteredBenchmarks();  // the rivals go before the limbo does
  if (matching == 0)
    throw bad_input{"no benchmark matches --benchmark_filter; --benchmark_list_tests names all"};
  return 0;
}

int summarize(const options& how) {
  figures measured;
  for (const std::string& file : how.summarized) {
    if (const auto read = measured.read(file); !read) throw bad_input{read.error()};
  }
  fmt::print("{}", summary_text(measured));
  if (how.output.empty()) return 0;
  std::ofstream out{how.output, std::ios::binary};
  out << to_json(measured).dump(1) << '\n';
  out.close();
  if (!out) throw bad_input{how.output + ": cannot be written"};
  const auto folder = std::filesystem::path{how.output}.replace_extension();
  if (const std::string missing = draw_curves(measured, folder); !missing.empty()) {
    fmt::print("{}\n", missing);
  } else {
    fmt::print("curves: {}\n", (folder / "curves.svg").string());
  }
  return 0;
}

int list() {
  for (const rival_entry& one : rivals()) fmt::print("{:<12} {}\n", one.name, one.what);
  return 0;
}

void add_options(CLI::App& program, options& how) {
  program.add_option("--sizes", how.sizes, "Made data: how many ranges; 0 of them: none")->delimiter(',');
  program.add_option("--maps", how.maps, "Real data: /proc/PID/maps files, also packed (.xz)")
      ->type_name("FILE");
  program
      .add_option("--faults", how.recordings, "Real queries: recordings, by name or path (see rcuvm replay)")
      ->type_name("TRACE")
      ->delimiter(',');
  program.add_option("--rivals", how.only, "Only these")->delimiter(',');
  program
      .add_option("--kernel-maple", how.kernel_maple,
                  "The kernel's maple tree, as ./dev bench --kernel-maple builds it")
      ->type_name("FILE");
  program.add_option("--seed", how.seed, "Of data and queries")->capture_default_str();
  program
      .add_option("--summarize", how.summarized, "Ratios and targets from what --benchmark_out has written")
      ->type_name("FILE");
  program.add_option("--output", how.output, "Where --summarize writes its JSON; plots go beside it")
      ->type_name("FILE");
  program.add_flag("--curve", how.is_curve, "Only what the plots need, at 12 sizes from 10 to 4,000,000");
  program.add_flag("--check", how.checks, "Compare all answers with a linear search instead of measuring");
  program.add_flag("--count", how.counts,
                   "Do everything once, for valgrind to count its instructions: ./dev bench instructions");
  program.add_flag("--list", how.lists, "Name the rivals");
}

}  // namespace

int run(int argc, char** argv) {
  const sync::rcu::registration here{"rcuvm-bench-tree"};
  options how;
  CLI::App program{"The maple tree beside its rivals: same data, same queries, interleaved"};
  program.name("rcuvm-bench-tree");
  program.footer(
      "Flags that begin with --benchmark_ go to Google Benchmark: --benchmark_filter=REGEX,\n"
      "--benchmark_out=FILE, --benchmark_repetitions=N, --benchmark_min_time=SECONDS.\n"
      "\nExamples:\n"
      "  rcuvm-bench-tree --sizes 1000,30000 --benchmark_filter='find_dependent/'\n"
      "  rcuvm-bench-tree --check --maps ../shared/traces/snaps/*/maps.1*");
  add_options(program, how);
  try {
    std::vector<std::string> ours;
    for (int i = argc - 1; i > 0; --i) {
      if (!is_for_google_benchmark(argv[i])) ours.emplace_back(argv[i]);
    }
    program.parse(ours);
    std::erase(how.sizes, std::size_t{0});
    if (!how.summarized.empty()) return summarize(how);
    if (!how.kernel_maple.empty()) kernel_maple::load(how.kernel_maple);
    if (how.lists) return list();
    if (how.counts) return count(how);
    return how.checks ? check(how) : measure(how, argc, argv);
  } catch (const CLI::ParseError& problem) {
    return program.exit(problem) == 0 ? 0 : 2;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "rcuvm-bench-tree: {}\n", problem.what());
    return 2;
  }
}

}  // namespace rcuvm::tree_bench
