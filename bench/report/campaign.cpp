// SPDX-License-Identifier: Apache-2.0
#include "bench/report/campaign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/replay/measured.hpp"
#include "bench/replay/plan.hpp"
#include "bench/replay/strict.hpp"
#include "rcuvm/designs/designs.hpp"
#include "rcuvm/sync/clock.hpp"

namespace rcuvm::report {

namespace {

using replay::walker;

constexpr double longest_useful_run_s = 0.4;  // of the baseline; more passes do not sharpen a median

/// A recording made ready, and what the warm-up has told of it.
struct subject {
  replay::script script;
  replay::plan plan;
  std::vector<double> pass_s;  // per design, the mean over the modes; with set-up and tear-down
  double baseline_s = 0;       // of a pass of the baseline
  std::uint32_t passes = 1;
};

class campaign {
 public:
  campaign(const std::vector<recording::trace>& traces, const campaign_options& how)
      : how_{how}, begun_ns_{sync::now_ns()}, repetitions_{how.repetitions} {
    result& data = made_.data;
    data.machine = look_at_machine();
    data.how = {.designs = how.designs,
                .summaries = {},
                .workers = how.workers,
                .repetitions = how.repetitions,
                .budget_s = how.budget_s,
                .readers = how.readers,
                .walk_pause_ns = replay::measure_options{}.walk_pause_ns,
                .walk_chunk_lines = replay::measure_options{}.walk_chunk_lines};
    designs::for_each([&]<class Design> {
      if (std::ranges::find(how.designs, Design::name) == how.designs.end()) return;
      data.how.summaries.emplace(Design::name, Design::summary);
    });
    subjects_.reserve(traces.size());
    for (const recording::trace& trace : traces) prepare(trace);
  }

  campaign_result run() {
    warm_up();
    choose_passes();
    for (std::uint32_t repetition = 1; repetition <= repetitions_; ++repetition) {
      if (is_out_of_time(repetition)) break;
      repeat(repetition);
      made_.data.how.repetitions = repetition;
    }
    made_.data.machine.load_after = load_averages();
    return std::move(made_);
  }

 private:
  void prepare(const recording::trace& trace) {
    tell("preparing " + trace.name, 0);
    subject& made = subjects_.emplace_back();
    made.script = replay::resolve(trace);
    const std::size_t gaps = replay::settle_expected_answers(made.script);
    if (gaps != 0) {
      made_.data.notes.push_back(
          fmt::format("{}: the model answers {} calls otherwise than the kernel did; measured "
                      "runs are compared with the model's answers",
                      trace.name, gaps));
    }
    made.plan = replay::lay_out(made.script, how_.workers);
    made.pass_s.assign(how_.designs.size(), 0);
    made_.data.recordings.push_back({.name = trace.name,
                                     .program = std::string{trace.about.get("program")},
                                     .command = std::string{trace.about.get("command")},
                                     .events = trace.events.size(),
                                     .steps = made.script.steps.size(),
                                     .faults = made.script.faults,
                                     .spaces = trace.spaces.size(),
                                     .tasks = trace.tasks.size(),
                                     .waits = made.plan.waits.size(),
                                     .passes = 1,
                                     .skipped = {made.script.skipped.begin(), made.script.skipped.end()}});
  }

  void tell(const std::string& what, double done) const {
    if (how_.on_progress) how_.on_progress(what, done);
  }
  [[nodiscard]] double elapsed_s() const { return static_cast<double>(sync::now_ns() - begun_ns_) / 1e9; }

  // The plan refers to its script: both stay where they are, because subjects_ has room for all from the start.
  double measure(std::size_t which, std::size_t design, walker mode, std::uint32_t repetition,
                 std::uint32_t passes) {
    const std::string& recording = made_.data.recordings[which].name;
    const std::uint64_t begun = sync::now_ns();
    replay::measurement found = replay::measure(subjects_[which].plan, how_.designs[design],
                                                {.mode = mode, .passes = passes, .readers = how_.readers});
    const double took_s = static_cast<double>(sync::now_ns() - begun) / 1e9;
    if (repetition != 0) made_.shapes[{recording, how_.designs[design], mode}] += found.shapes;
    if (design == 0 && repetition == 0) {
      // The least of the modes: one disturbed pass must not make all runs of the recording short.
      double& least_s = subjects_[which].baseline_s;
      const double wall_s = found.values["wall_s"];
      if (least_s == 0 || wall_s < least_s) least_s = wall_s;
    }
    made_.data.runs.push_back({.recording = recording,
                               .design = how_.designs[design],
                               .mode = mode,
                               .repetition = repetition,
                               .passes = passes,
                               .values = std::move(found.values)});
    return took_s;
  }

  void warm_up() {
    for (std::size_t which = 0; which < subjects_.size(); ++which) {
      tell("warm-up, " + made_.data.recordings[which].name, 0);
      for (walker mode : replay::walkers) {
        for (std::size_t design = 0; design < how_.designs.size(); ++design) {
          const double took_s = measure(which, design, mode, 0, 1);
          subjects_[which].pass_s[design] += took_s / static_cast<double>(std::size(replay::walkers));
        }
      }
    }
  }

  [[nodiscard]] double repetition_s() const {
    double sum = 0;
    for (const subject& one : subjects_) {
      for (double pass_s : one.pass_s)
        sum += pass_s * one.passes * static_cast<double>(std::size(replay::walkers));
    }
    return sum;
  }

  // As many passes as make a run of the baseline long enough; fewer, of the longest, when the budget says so.
  void choose_passes() {
    const double left_s = how_.budget_s == 0 ? 0 : std::max(how_.budget_s - elapsed_s(), 1.0);
    for (double run_s = longest_useful_run_s;; run_s *= 0.8) {
      bool is_least = true;
      for (subject& one : subjects_) {
        const double wanted = one.baseline_s > 0 ? std::floor(run_s / one.baseline_s) : 1;
        one.passes =
            static_cast<std::uint32_t>(std::clamp(wanted, 1.0, static_cast<double>(how_.most_passes)));
        is_least = is_least && one.passes == 1;
      }
      if (how_.budget_s == 0 || is_least || repetition_s() * repetitions_ <= left_s) break;
    }
    for (std::size_t which = 0; which < subjects_.size(); ++which) {
      made_.data.recordings[which].passes = subjects_[which].passes;
    }
  }

  // One repetition is always made.
  bool is_out_of_time(std::uint32_t repetition) {
    if (how_.budget_s == 0 || repetition == 1) return false;
    const double one_s = (elapsed_s() - repetitions_begun_s_) / (repetition - 1);
    if (elapsed_s() + one_s <= how_.budget_s) return false;
    made_.data.notes.push_back(fmt::format("{} of {} repetitions: the budget of {:.0f} s is used up",
                                           repetition - 1, how_.repetitions, how_.budget_s));
    return true;
  }

  void repeat(std::uint32_t repetition) {
    if (repetition == 1) repetitions_begun_s_ = elapsed_s();
    const std::size_t designs = how_.designs.size();
    for (std::size_t which = 0; which < subjects_.size(); ++which) {
      const double share =
          (repetition - 1 + static_cast<double>(which) / static_cast<double>(subjects_.size()));
      tell(
          fmt::format("repetition {} of {}, {}", repetition, repetitions_, made_.data.recordings[which].name),
          share / repetitions_);
      for (walker mode : replay::walkers) {
        for (std::size_t turn = 0; turn < designs; ++turn) {
          measure(which, (turn + repetition) % designs, mode, repetition, subjects_[which].passes);
        }
      }
    }
  }

  const campaign_options& how_;
  const std::uint64_t begun_ns_;
  std::uint32_t repetitions_;
  double repetitions_begun_s_ = 0;
  std::vector<subject> subjects_;
  campaign_result made_;
};

}  // namespace

campaign_result run_campaign(const std::vector<recording::trace>& traces, const campaign_options& how) {
  return campaign{traces, how}.run();
}

}  // namespace rcuvm::report
