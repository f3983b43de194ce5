// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/cli/cli.hpp"
#include "bench/cli/command.hpp"
#include "bench/replay/measured.hpp"
#include "bench/replay/strict.hpp"
#include "bench/report/metric.hpp"
#include "bench/report/table.hpp"

namespace rcuvm::cli {

namespace {

struct replay_options {
  std::vector<std::string> traces;
  std::string design = "replace";
  std::uint32_t workers = default_workers();
  std::uint32_t passes = 1;
  std::string walker = "none";
  sync::reader_wait readers = sync::reader_wait::sleep;
  bool is_strict = false;
  bool is_json = false;
};

using nlohmann::json;

// --- strict -------------------------------------------------------------------------------------------------------

json to_json(const recording::trace& trace, const replay::script& script,
             const replay::strict_result& found) {
  json made{{"recording", trace.name},
            {"design", found.design},
            {"samples_equal", found.equal},
            {"samples_equal_after_untold_calls", found.after_untold},
            {"samples_compared", found.compared()},
            {"not_comparable", found.not_comparable},
            {"faults", found.faults},
            {"faults_refused", found.faults_refused},
            {"faults_raced", found.faults_raced},
            {"not_replayed", script.skipped},
            {"different", json::array()},
            {"answers", json::array()}};
  for (const replay::sample_difference& one : found.different) {
    made["different"].push_back({{"sample_line", trace.samples[one.sample].line},
                                 {"pid", trace.samples[one.sample].pid},
                                 {"cause", replay::name_of(one.cause)},
                                 {"diff", one.diff}});
  }
  for (const replay::answer_difference& one : found.answers) {
    made["answers"].push_back({{"event", script.steps[one.step].event},
                               {"call", replay::name_of(script.steps[one.step].what)},
                               {"kernel_errno", one.expected},
                               {"model_errno", one.got}});
  }
  return made;
}

void print_strict(const recording::trace& trace, const replay::script& script,
                  const replay::strict_result& found) {
  constexpr std::size_t most_shown = 10;
  fmt::print("{} under {}: {} of {} samples equal", trace.name, found.design, found.equal, found.compared());
  for (const auto& [call, count] : found.after_untold)
    fmt::print("; {} of them after {}, which the recording does not hold", count, call);
  for (const auto& [why, count] : found.not_comparable) fmt::print("; {} not comparable: {}", count, why);
  fmt::print("\n  {} faults, {} refused by the model", found.faults, found.faults_refused);
  if (found.faults_raced != 0) fmt::print(", {} more raced with a call in the recording", found.faults_raced);
  fmt::print("\n");
  for (const auto& [why, count] : script.skipped) fmt::print("  not replayed: {}: {}\n", why, count);
  for (std::size_t index = 0; index < std::min(most_shown, found.answers.size()); ++index) {
    const replay::answer_difference& one = found.answers[index];
    const replay::step& call = script.steps[one.step];
    fmt::print("  event {}: {} [{:x}, {:x}): the kernel's errno is {}, the model's {}\n", call.event,
               replay::name_of(call.what), call.where.start, call.where.end, one.expected, one.got);
  }
  if (found.answers.size() > most_shown)
    fmt::print("  ... {} more such calls\n", found.answers.size() - most_shown);
  for (const replay::sample_difference& one : found.different) {
    const recording::maps_sample& sample = trace.samples[one.sample];
    fmt::print("  sample of pid {} at line {} differs: {} (- kernel, + model)\n{}", sample.pid, sample.line,
               replay::name_of(one.cause), one.diff);
  }
}

int replay_strictly(const replay_options& how, const std::vector<std::string>& designs,
                    const std::vector<recording::trace>& traces) {
  json all = json::array();
  std::size_t equal = 0;
  std::size_t compared = 0;
  std::size_t other_answers = 0;
  for (const recording::trace& trace : traces) {
    const replay::script script = replay::resolve(trace);
    for (const std::string& design : designs) {
      const replay::strict_result found = replay::replay_strictly(script, design);
      equal += found.equal;
      compared += found.compared();
      other_answers += found.answers.size();
      if (how.is_json) {
        all.push_back(to_json(trace, script, found));
      } else {
        print_strict(trace, script, found);
      }
    }
  }
  if (how.is_json) {
    fmt::print("{}\n", all.dump(1, ' ', false, json::error_handler_t::replace));
  } else if (compared != 0) {
    fmt::print("{} of {} samples equal ({:.1f} %), {} calls answered otherwise\n", equal, compared,
               100.0 * static_cast<double>(equal) / static_cast<double>(compared), other_answers);
  } else {
    fmt::print("no sample to compare with, {} calls answered otherwise\n", other_answers);
  }
  return equal == compared && other_answers == 0 ? ok : differences;
}

// --- measured -----------------------------------------------------------------------------------------------------

void print_measured(const std::string& title, const replay::figures& values) {
  using report::to_text;
  using report::unit;
  const auto value = [&](const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? 0.0 : found->second;
  };
  fmt::print("{}: {} of wall time, {} page faults\n", title,
             to_text(value("wall_s") * 1e9, unit::nanoseconds),
             to_text(value("faults_per_s"), unit::per_second));
  report::text_table table;
  table.add({"call", "count", "p50", "p99", "p99.9", "max"});
  const auto add_row = [&](const std::string& name) {
    if (value(name + ".count") == 0) return;
    std::vector<std::string> row{"  " + name, to_text(value(name + ".count"), unit::number)};
    for (const char* part : {".p50_ns", ".p99_ns", ".p999_ns", ".max_ns"}) {
      row.push_back(to_text(value(name + part), unit::nanoseconds));
    }
    table.add(std::move(row));
  };
  for (std::size_t index = 0; index < replay::verb_count; ++index) {
    add_row(std::string{replay::name_of(static_cast<replay::verb>(index))});
  }
  add_row("walk");
  fmt::print("{}", table.to_text());
  for (const auto& [key, number] : values) {
    const bool is_count =
        key.starts_with("count.") || key.starts_with("limbo.") || key.starts_with("different");
    if (!is_count || number == 0) continue;
    const unit in = key.ends_with("_ns")      ? unit::nanoseconds
                    : key.ends_with("_bytes") ? unit::bytes
                                              : unit::number;
    fmt::print("  {}: {}\n", key, to_text(number, in));
  }
}

int replay_measured(const replay_options& how, const std::vector<std::string>& designs,
                    const std::vector<recording::trace>& traces) {
  const auto mode = replay::walker_named(how.walker);
  if (!mode)
    throw refusal{fmt::format("unknown walker '{}'; there are: none, chunked, snapshot", how.walker)};
  json all = json::array();
  bool is_same = true;
  for (const recording::trace& trace : traces) {
    replay::script script = replay::resolve(trace);
    replay::settle_expected_answers(script);
    const replay::plan plan = replay::lay_out(script, how.workers);
    for (const std::string& design : designs) {
      const replay::measurement found =
          replay::measure(plan, design, {.mode = *mode, .passes = how.passes, .readers = how.readers});
      is_same = is_same && found.values.at("different") == 0;
      if (how.is_json) {
        all.push_back({{"recording", trace.name},
                       {"design", design},
                       {"walker", how.walker},
                       {"workers", how.workers},
                       {"passes", how.passes},
                       {"figures", found.values}});
      } else {
        print_measured(fmt::format("{} under {}", trace.name, design), found.values);
      }
    }
  }
  if (how.is_json) fmt::print("{}\n", all.dump(1, ' ', false, json::error_handler_t::replace));
  return is_same ? ok : differences;
}

}  // namespace

void add_replay(CLI::App& program, int& code) {
  const auto how = std::make_shared<replay_options>();
  CLI::App* const command = program.add_subcommand("replay", "Replays recordings under one design");
  command->add_option("traces", how->traces, "Recordings, by name or path")->required()->type_name("TRACE");
  command->add_option("--design", how->design, "Which; or several, separated by commas, or all")
      ->capture_default_str();
  command->add_option("--workers", how->workers, "Real threads that share the recorded ones")
      ->check(CLI::Range(1U, 60U))
      ->capture_default_str();
  command->add_option("--passes", how->passes, "Replays in a row")
      ->check(CLI::Range(1U, 100000U))
      ->capture_default_str();
  command->add_option("--walker", how->walker, "A thread that walks the maps: none, chunked, snapshot")
      ->capture_default_str();
  add_readers(*command, how->readers);
  command->add_flag("--strict", how->is_strict,
                    "In recorded order on one thread, comparing the model's maps with each recorded sample");
  command->add_flag("--json", how->is_json, "As JSON");
  command->footer(
      "Examples:\n"
      "  rcuvm replay nginx_wrk --design mmap-lock --walker chunked\n"
      "  rcuvm replay a.perf.xz b.perf.xz --strict --json");
  command->callback([how, &code] {
    const std::vector<std::string> designs = designs_named(how->design);
    const std::vector<recording::trace> traces = read_traces(how->traces);
    code = how->is_strict ? replay_strictly(*how, designs, traces) : replay_measured(*how, designs, traces);
  });
}

}  // namespace rcuvm::cli
