// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/cli/cli.hpp"
#include "bench/cli/command.hpp"
#include "bench/cli/progress_line.hpp"
#include "bench/report/list_text.hpp"
#include "bench/report/metric.hpp"
#include "bench/report/table.hpp"
#include "bench/workload/medians.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* at_once = "at-once";
constexpr const char* lazily = "lazily";

struct workload_options {
  std::vector<std::string> names;
  std::string designs = "all";
  std::uint32_t threads = default_workers();
  std::uint32_t repetitions = 3;
  double seconds = 0.5;
  std::string shootdowns = at_once;
  sync::reader_wait readers = sync::reader_wait::sleep;
  bool is_json = false;
};

fs::path folder() { return recording::bundled_folder().parent_path() / "workloads"; }

}  // namespace

std::vector<std::string> known_workloads() {
  std::vector<std::string> made;
  std::error_code ignored;
  for (const fs::directory_entry& one : fs::directory_iterator{folder(), ignored}) {
    if (one.path().extension() == ".json") made.push_back(one.path().stem());
  }
  std::ranges::sort(made);
  return made;
}

workload::scenario read_workload(const std::string& name) {
  const fs::path path =
      name.find_first_of("./") == std::string::npos ? folder() / (name + ".json") : fs::path{name};
  std::ifstream in{path};
  if (!in)
    throw refusal{fmt::format("no workload '{}'; there are: {}; or give a file", name,
                              report::list_text(known_workloads()))};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  try {
    return workload::parse(text, path.string());
  } catch (const std::runtime_error& wrong) {
    throw refusal{wrong.what()};
  }
}

namespace {

void list() {
  for (const std::string& name : known_workloads()) {
    const workload::scenario one = read_workload(name);
    fmt::print("{}\n    {}\n    {}\n", one.name, one.what, one.source);
  }
}

void print(const workload::scenario& of, const std::vector<std::string>& designs,
           const workload::medians& got, const workload_options& how) {
  using report::unit;
  const unsigned threads = of.threads(how.threads);
  fmt::print("{}: {}\n  {}\n  {} threads on {} cores, shootdowns {}, readers of semaphores {}{}\n", of.name,
             of.what, of.source, threads, sync::hardware_threads(), how.shootdowns, name_of(how.readers),
             threads > sync::hardware_threads()
                 ? ": more than can run at a time, so that tails hold time slices"
                 : "");
  struct column {
    std::string key;
    std::string title;
    unit in;
  };
  std::vector<column> columns;
  const replay::figures& first = got.at(designs.front());
  for (const workload::thread_group& group : of.groups)
    columns.push_back({group.name + ".loops_per_s", group.name + "s/s", unit::per_second});
  for (std::size_t index = 0; index < workload::verb_count; ++index) {
    const std::string name{workload::name_of(static_cast<workload::verb>(index))};
    if (!first.contains(name + ".p50_ns")) continue;
    columns.push_back({name + ".p50_ns", name + " p50", unit::nanoseconds});
    columns.push_back({name + ".p99_ns", name + " p99", unit::nanoseconds});
    columns.push_back({name + ".p999_ns", name + " p99.9", unit::nanoseconds});
  }
  columns.push_back({"count.shootdown_acks", "acks", unit::number});
  columns.push_back({"limbo.high_water_bytes", "held", unit::bytes});
  columns.push_back({"count.retries_spurious", "spurious", unit::number});
  report::text_table table;
  std::vector<std::string> head{"  design"};
  for (const column& one : columns) head.push_back(one.title);
  table.add(std::move(head));
  for (const std::string& design : designs) {
    std::vector<std::string> row{"  " + design};
    for (const column& one : columns) {
      const auto found = got.at(design).find(one.key);
      row.push_back(found == got.at(design).end() ? "-" : report::to_text(found->second, one.in));
    }
    table.add(std::move(row));
  }
  fmt::print("{}\n", table.to_text());
}

int run(const workload_options& how) {
  if (how.names.empty()) {
    list();
    return ok;
  }
  const std::vector<std::string> designs = designs_named(how.designs);
  std::vector<workload::scenario> scenarios;
  for (const std::string& name :
       how.names.size() == 1 && how.names.front() == "all" ? known_workloads() : how.names)
    scenarios.push_back(read_workload(name));
  json all = json::array();
  progress_line progress;
  const double runs = static_cast<double>(scenarios.size() * designs.size() * how.repetitions);
  double done = 0;
  const workload::run_options run_for{
      .threads = how.threads,
      .seconds = how.seconds,
      .shootdowns = how.shootdowns == lazily ? vm::shootdowns::lazily : vm::shootdowns::at_once,
      .readers = how.readers};
  for (const workload::scenario& each : scenarios) {
    workload::medians got;
    try {
      got = workload::measure(each, designs, run_for, how.repetitions, [&](const std::string& design) {
        progress.show(each.name + ", " + design, done++ / runs);
      });
    } catch (const std::runtime_error& wrong) {
      throw refusal{wrong.what()};
    }
    if (how.is_json) {
      all.push_back({{"workload", each.name},
                     {"source", each.source},
                     {"threads", each.threads(how.threads)},
                     {"seconds", how.seconds},
                     {"shootdowns", how.shootdowns},
                     {"readers", name_of(how.readers)},
                     {"repetitions", how.repetitions},
                     {"medians", got}});
    } else {
      print(each, designs, got, how);
    }
  }
  if (how.is_json) fmt::print("{}\n", all.dump(1));
  return ok;
}

}  // namespace

void add_workload(CLI::App& program, int& code) {
  CLI::App* const command =
      program.add_subcommand("workload", "Runs known workloads under the designs, on both sides of the lock");
  auto how = std::make_shared<workload_options>();
  command->add_option("names", how->names, "Workloads, by name or as .json files; 'all'; none: lists them")
      ->type_name("NAME");
  command->add_option("--designs", how->designs, "Which, separated by commas")->capture_default_str();
  command->add_option("--threads", how->threads, "Of each group that has no count of its own")
      ->check(CLI::Range(1U, 60U))
      ->capture_default_str();
  command->add_option("--seconds", how->seconds, "Of each run")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command
      ->add_option("--repetitions", how->repetitions, "Runs of each; designs take turns, medians are shown")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  command
      ->add_option(
          "--shootdowns", how->shootdowns,
          "When TLBs forget what munmap and DONTNEED take away: at-once (the call waits), or lazily, at each "
          "cpu's next tick (LATR)")
      ->check(CLI::IsMember({at_once, lazily}))
      ->capture_default_str();
  add_readers(*command, how->readers);
  command->add_flag("--json", how->is_json, "All figures, for a program");
  command->footer(
      "\nExamples:\n"
      "  rcuvm workload                                     what there is\n"
      "  rcuvm workload page_fault1 mmap1                   under all designs\n"
      "  rcuvm workload reader-stays --designs sync,replace --threads 2\n"
      "  rcuvm workload page_fault1 --shootdowns lazily     the same beside --shootdowns at-once\n"
      "  rcuvm workload malloc1 --readers spin              as Linux 5.3 to 5.10 would\n"
      "  rcuvm workload mine.json --seconds 5 --json");
  command->callback([how, &code] { code = run(*how); });
}

}  // namespace rcuvm::cli
