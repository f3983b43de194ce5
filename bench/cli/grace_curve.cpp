// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "bench/cli/cli.hpp"
#include "bench/cli/command.hpp"
#include "bench/cli/progress_line.hpp"
#include "bench/report/gnuplot.hpp"
#include "bench/report/metric.hpp"
#include "bench/report/plots.hpp"
#include "bench/report/table.hpp"
#include "bench/workload/grace_curve_json.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::cli {

namespace {

using report::unit;
using workload::curve_point;

struct curve_command {
  std::string designs = fmt::format("{}", fmt::join(workload::designs_of_curve(), ","));
  std::vector<double> stays_us{1, 10, 100, 1000, 10'000, 100'000};
  workload::curve_options how;
  std::string folder;
  bool is_json = false;
};

/// What is shown of each point.
struct shown {
  std::string_view key;
  std::string_view title;
  unit in;
};
constexpr shown all_shown[] = {
    {"unmap.p50_ns", "munmap p50", unit::nanoseconds},
    {"unmap.mean_ns", "munmap, mean", unit::nanoseconds},
    {"unmap.p999_ns", "munmap p99.9", unit::nanoseconds},
    {"map.mean_ns", "MAP_FIXED, mean", unit::nanoseconds},
    {"map.p999_ns", "MAP_FIXED p99.9", unit::nanoseconds},
    {"limbo.high_water_bytes", "held for readers at most", unit::bytes},
};

double value_of(const curve_point& one, std::string_view key) {
  const auto found = one.medians.find(std::string{key});
  return found == one.medians.end() ? 0 : found->second;
}

void print(const std::vector<curve_point>& points, const std::vector<std::string>& designs) {
  for (const shown& what : all_shown) {
    fmt::print("{}\n", what.title);
    report::text_table table;
    std::vector<std::string> head{"  readers stay"};
    std::ranges::copy(designs, std::back_inserter(head));
    table.add(std::move(head));
    for (std::size_t first = 0; first < points.size(); first += designs.size()) {
      const curve_point& one = points[first];
      const bool is_beyond = one.readers + 1 > sync::hardware_threads();
      std::vector<std::string> row{
          fmt::format("  {}{:<2}    {}", one.readers, is_beyond ? "*" : "",
                      report::to_text(static_cast<double>(one.stay_ns), unit::nanoseconds))};
      for (std::size_t each = first; each < first + designs.size(); ++each)
        row.push_back(report::to_text(value_of(points[each], what.key), what.in));
      table.add(std::move(row));
    }
    fmt::print("{}\n", table.to_text());
  }
  fmt::print(
      "* more threads than this machine's {} cores: what stays may be off the core, and grace periods hold "
      "time slices\n",
      sync::hardware_threads());
}

std::string tsv_of(const std::vector<curve_point>& points, const std::vector<std::string>& designs,
                   const std::vector<unsigned>& readers) {
  std::string made = "# readers\tstay_ns";
  for (const shown& what : all_shown) made += fmt::format("\t{}", what.key);
  made += "\n";
  for (const unsigned count : readers) {
    for (const std::string& design : designs) {
      made += fmt::format("# {}, {} readers\n", design, count);
      for (const curve_point& one : points) {
        if (one.design != design || one.readers != count) continue;
        made += fmt::format("{}\t{}", one.readers, one.stay_ns);
        for (const shown& what : all_shown) made += fmt::format("\t{:.6g}", value_of(one, what.key));
        made += "\n";
      }
      made += "\n\n";
    }
  }
  return made;
}

/// Two pictures for each count of readers: munmap, MAP_FIXED.
std::string script_of(const std::vector<std::string>& designs, const std::vector<unsigned>& readers) {
  std::string made = fmt::format(
      "# gnuplot grace_curve.gp draws grace_curve.svg from grace_curve.tsv\n"
      "set terminal svg size 980,{} noenhanced font 'Helvetica,Arial,sans-serif,12' name 'grace_curve' "
      "background '#ffffff'\n"
      "set output 'grace_curve.svg'\n{}set logscale xy\nset xlabel 'readers stay' textcolor rgb '#404040'\n{}"
      "set key top left samplen 1.5 textcolor rgb '#404040'\nset multiplot layout {},2\n",
      330 * readers.size(), report::common_style, report::time_tics('x') + report::time_tics('y'),
      readers.size());
  for (std::size_t row = 0; row < readers.size(); ++row) {
    for (const std::string_view key : {"unmap.mean_ns", "map.mean_ns"}) {
      const auto one = std::ranges::find(all_shown, key, &shown::key);
      const auto column = one - std::begin(all_shown) + 3;  // of the .tsv, from 1 on, after readers and stay
      made += fmt::format("set title '{}, {} reader{}' textcolor rgb '#202020'\nplot ", one->title,
                          readers[row], readers[row] == 1 ? "" : "s");
      for (std::size_t design = 0; design < designs.size(); ++design) {
        made += fmt::format(
            "{}'grace_curve.tsv' index {} using 2:{} with linespoints pt 7 ps 0.5 lw 1.6 lc rgb "
            "'{}' title {}",
            design == 0 ? "" : ", ", row * designs.size() + design, column, report::colour_of(design),
            report::gnuplot_text(designs[design]));
      }
      made += "\nunset key\n";
    }
  }
  return made + "unset multiplot\n";
}

int run(curve_command& asked) {
  workload::curve_options& how = asked.how;
  how.designs = designs_named(asked.designs);
  for (const double each : asked.stays_us) how.stays_ns.push_back(static_cast<std::uint64_t>(each * 1e3));
  if (!asked.folder.empty()) {
    std::error_code problem;  // known before the time is spent
    std::filesystem::create_directories(asked.folder, problem);
    if (problem) throw refusal{fmt::format("{}: {}", asked.folder, problem.message())};
  }
  fmt::print(stderr, "{} runs, about {:.0f} s\n",
             how.designs.size() * how.readers.size() * how.stays_ns.size() * how.repetitions,
             workload::seconds_of(how));
  progress_line progress;
  std::vector<curve_point> points;
  try {
    points =
        workload::measure_curve(read_workload("reader-stays"), how,
                                [&](const std::string& what, double share) { progress.show(what, share); });
  } catch (const std::runtime_error& wrong) {
    throw refusal{wrong.what()};
  }
  if (asked.is_json) {
    fmt::print("{}\n", nlohmann::json(points).dump(1));
  } else {
    print(points, how.designs);
  }
  if (asked.folder.empty()) return ok;
  try {
    const std::string problem =
        report::draw(asked.folder, "grace_curve", tsv_of(points, how.designs, how.readers),
                     script_of(how.designs, how.readers));
    if (!problem.empty()) fmt::print(stderr, "{}\n", problem);
  } catch (const std::ios_base::failure&) {
    throw refusal{fmt::format("{}: cannot be written", asked.folder)};
  }
  return ok;
}

}  // namespace

void add_grace_curve(CLI::App& program, int& code) {
  CLI::App* const command = program.add_subcommand(
      "grace-curve", "The price of a grace period: munmap against how long readers stay");
  auto asked = std::make_shared<curve_command>();
  command->add_option("--designs", asked->designs, "Which, separated by commas")->capture_default_str();
  command->add_option("--stay", asked->stays_us, "How long a reader stays at a time, in microseconds")
      ->delimiter(',')
      ->check(CLI::Range(0.1, 1e7))
      ->capture_default_str();
  command->add_option("--readers", asked->how.readers, "How many there are")
      ->delimiter(',')
      ->check(CLI::Range(1U, 60U))
      ->capture_default_str();
  command->add_option("--seconds", asked->how.seconds, "Of each run; one lasts 20 stays at least")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command
      ->add_option("--repetitions", asked->how.repetitions,
                   "Runs of each; designs take turns, medians are shown")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  command->add_option("-o,--output", asked->folder, "A folder for grace_curve.tsv, .gp and .svg")
      ->type_name("FOLDER");
  command->add_flag("--json", asked->is_json, "All figures, for a program");
  command->footer(
      "\nExamples:\n"
      "  rcuvm grace-curve                                          24 points a design, about 3 minutes\n"
      "  rcuvm grace-curve --stay 10,1000 --readers 1 --repetitions 1\n"
      "  rcuvm grace-curve --designs sync,range-lock -o curve");
  command->callback([asked, &code] { code = run(*asked); });
}

}  // namespace rcuvm::cli
