// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <memory>

#include "bench/cli/cli.hpp"
#include "bench/cli/command.hpp"
#include "bench/cli/progress_line.hpp"
#include "bench/report/campaign.hpp"
#include "bench/report/table.hpp"
#include "bench/report/workloads.hpp"
#include "bench/report/write.hpp"

namespace rcuvm::cli {

namespace {

struct review_options {
  std::vector<std::string> traces;
  std::string designs = "all";
  std::string folder = "report";
  std::uint32_t repetitions = 5;
  std::uint32_t workers = default_workers();
  double budget_s = 240;
  sync::reader_wait readers = sync::reader_wait::sleep;
  bool takes_shared = false;
  bool explores = true;
  bool takes_workloads = true;
};

volatile std::sig_atomic_t is_interrupted = 0;

/// Ctrl-C ends the measuring between two recordings; what was written before stays as it was.
class interrupt_watch {
 public:
  interrupt_watch() {
    previous_ = std::signal(SIGINT, [](int) { is_interrupted = 1; });
  }
  ~interrupt_watch() { std::signal(SIGINT, previous_); }
  interrupt_watch(const interrupt_watch&) = delete;
  interrupt_watch& operator=(const interrupt_watch&) = delete;

 private:
  void (*previous_)(int) = SIG_DFL;
};

struct interruption {};

std::vector<std::string> recordings_of(const review_options& how) {
  std::vector<std::string> names = how.traces;
  if (names.empty()) {
    for (const recording::location& one : recording::list(recording::bundled_folder()))
      names.push_back(one.name);
    if (names.empty()) {
      throw refusal{fmt::format("no recordings in {}; name some, or set RCUVM_RECORDINGS to a folder of them",
                                recording::bundled_folder().string())};
    }
  }
  if (how.takes_shared) {
    for (const recording::location& one : recording::list(recording::shared_folder()))
      names.push_back(one.name);
  }
  return names;
}

/// What goes wrong is noted in the report.
void measure_workloads(report::result& into, const report::on_workload& on_run,
                       const report::on_workload& on_curve) {
  try {
    std::vector<workload::scenario> scenarios;
    for (const std::string& name : known_workloads()) scenarios.push_back(read_workload(name));
    into.workloads = report::measure_workloads(scenarios, into.how, on_run);
    into.curve = report::measure_grace_curve(read_workload("reader-stays"), into.how.designs, on_curve);
  } catch (const std::runtime_error& problem) {
    into.notes.push_back(fmt::format("not all workloads were measured: {}", problem.what()));
  }
}

int review(const review_options& how) {
  const std::vector<std::string> designs = designs_named(how.designs);
  if (const auto problem = report::obstacle_to_writing(how.folder)) throw refusal{*problem};
  is_interrupted = 0;
  const interrupt_watch watch;
  try {
    report::campaign_result measured;
    {
      progress_line line;
      const auto show = [&](const std::string& what, double done) {
        if (is_interrupted != 0) throw interruption{};
        line.show(what, done);
      };
      // Per cent are of a part.
      const unsigned parts = 1U + (how.takes_workloads ? 2U : 0U) + (how.explores ? 1U : 0U);
      auto part = [&, number = 0U]() mutable {
        return [&show, label = fmt::format("{} of {}: ", ++number, parts)](
                   const std::string& what, double done) { show(label + what, done); };
      };
      const auto show_replays = part();
      show_replays("reading the recordings", 0);
      const std::vector<recording::trace> traces = read_traces(recordings_of(how));
      measured = report::run_campaign(traces, {.designs = designs,
                                               .workers = how.workers,
                                               .repetitions = how.repetitions,
                                               .budget_s = how.budget_s,
                                               .readers = how.readers,
                                               .on_progress = show_replays});
      if (how.takes_workloads) {
        const auto show_workloads = part();
        measure_workloads(measured.data, show_workloads, part());
      }
      if (how.explores) {
        part()("searching for races, some minutes", 0);
        auto proved = report::run_explorer(explorer_path());
        if (proved) {
          measured.data.proofs = *std::move(proved);
        } else {
          measured.data.notes.push_back(proved.error());
        }
        if (auto counted = report::run_traffic(explorer_path())) measured.data.traffic = *std::move(counted);
      }
      show("writing " + how.folder, 1);
      report::write_report(measured, how.folder);
    }
    fmt::print("{}\nreport: {}\n", report::summary_text(measured.data),
               (std::filesystem::absolute(how.folder) / "index.html").lexically_normal().string());
    return ok;
  } catch (const interruption&) {
    fmt::print(stderr, "rcuvm: interrupted; nothing was written\n");
    return interrupted;
  }
}

}  // namespace

void add_review(CLI::App& program, int& code) {
  const auto how = std::make_shared<review_options>();
  CLI::App* const command =
      program.add_subcommand("review", "Compares designs on recordings, and writes a report");
  command->add_option("traces", how->traces, "Recordings, by name or path (default: the bundled ones)")
      ->type_name("TRACE");
  command
      ->add_option("--designs", how->designs,
                   "Which, separated by commas; the first of the table is the baseline")
      ->capture_default_str();
  command->add_option("-o,--output", how->folder, "Folder of the report")->capture_default_str();
  command->add_option("--repetitions", how->repetitions, "Of each measurement, beside the warm-up")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  command->add_option("--workers", how->workers, "Real threads that share the recorded ones")
      ->check(CLI::Range(1U, 60U))
      ->capture_default_str();
  command->add_option("--budget", how->budget_s, "Seconds of replaying at most, about; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_readers(*command, how->readers);
  command->add_flag("--all", how->takes_shared,
                    "Also the recordings of ../shared/traces/perf, where these are");
  command->add_flag("!--no-explore", how->explores, "Without the search for races (see rcuvm explore)");
  command->add_flag("!--no-workloads", how->takes_workloads,
                    "Without the known workloads and the grace curve, less than a minute (see rcuvm "
                    "workload, grace-curve)");
  command->footer(
      "Examples:\n"
      "  rcuvm review                                   the bundled recordings, report/index.html\n"
      "  rcuvm review --designs mmap-lock,replace -o r  two designs\n"
      "  rcuvm review my.perf.xz --repetitions 20 --budget 0");
  command->callback([how, &code] { code = review(*how); });
}

}  // namespace rcuvm::cli
