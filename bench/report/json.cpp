// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "bench/report/result.hpp"
#include "bench/report/traffic_json.hpp"
#include "bench/workload/grace_curve_json.hpp"

namespace rcuvm::report {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(workload_facts, name, what, source, threads, medians,
                                                other_readers)

namespace {

using nlohmann::json;
using replay::run;

constexpr const char* schema_name = "rcuvm-result";

// A recording's names are bytes; a JSON text is Unicode. What is no UTF-8 is shown as U+FFFD.
std::string dump(const json& from) { return from.dump(1, ' ', false, json::error_handler_t::replace) + "\n"; }

json machine_to_json(const machine_facts& from) {
  return {{"date", from.date},
          {"cpu", from.cpu},
          {"cores", from.cores},
          {"is_virtual", from.is_virtual},
          {"memory_bytes", from.memory_bytes},
          {"kernel", from.kernel},
          {"system", from.system},
          {"compiler", from.compiler},
          {"flags", from.flags},
          {"rcuvm_version", from.version},
          {"has_assertions", from.has_assertions},
          {"is_optimized", from.is_optimized},
          {"sanitizer", from.sanitizer},
          {"rcu_flavour", from.rcu_flavour},
          {"rcu_version", from.rcu_version},
          {"clock_cost_ns", from.clock_cost_ns},
          {"load_before", from.load_before},
          {"load_after", from.load_after}};
}

machine_facts machine_from_json(const json& from) {
  machine_facts to;
  from.at("date").get_to(to.date);
  from.at("cpu").get_to(to.cpu);
  from.at("cores").get_to(to.cores);
  from.at("is_virtual").get_to(to.is_virtual);
  from.at("memory_bytes").get_to(to.memory_bytes);
  from.at("kernel").get_to(to.kernel);
  from.at("system").get_to(to.system);
  from.at("compiler").get_to(to.compiler);
  from.at("flags").get_to(to.flags);
  from.at("rcuvm_version").get_to(to.version);
  from.at("has_assertions").get_to(to.has_assertions);
  from.at("is_optimized").get_to(to.is_optimized);
  from.at("sanitizer").get_to(to.sanitizer);
  from.at("rcu_flavour").get_to(to.rcu_flavour);
  from.at("rcu_version").get_to(to.rcu_version);
  from.at("clock_cost_ns").get_to(to.clock_cost_ns);
  from.at("load_before").get_to(to.load_before);
  from.at("load_after").get_to(to.load_after);
  return to;
}

json settings_to_json(const settings& from) {
  return {{"designs", from.designs},
          {"summaries", from.summaries},
          {"workers", from.workers},
          {"repetitions", from.repetitions},
          {"budget_s", from.budget_s},
          {"readers", sync::name_of(from.readers)},
          {"walk_pause_ns", from.walk_pause_ns},
          {"walk_chunk_lines", from.walk_chunk_lines}};
}

settings settings_from_json(const json& from) {
  settings to;
  from.at("designs").get_to(to.designs);
  from.at("summaries").get_to(to.summaries);
  from.at("workers").get_to(to.workers);
  from.at("repetitions").get_to(to.repetitions);
  from.at("budget_s").get_to(to.budget_s);
  if (from.value("readers", "") == sync::name_of(sync::reader_wait::spin))
    to.readers = sync::reader_wait::spin;
  from.at("walk_pause_ns").get_to(to.walk_pause_ns);
  from.at("walk_chunk_lines").get_to(to.walk_chunk_lines);
  return to;
}

json recording_to_json(const recording_facts& from) {
  return {{"name", from.name},     {"program", from.program}, {"command", from.command},
          {"events", from.events}, {"steps", from.steps},     {"faults", from.faults},
          {"spaces", from.spaces}, {"tasks", from.tasks},     {"waits", from.waits},
          {"passes", from.passes}, {"skipped", from.skipped}};
}

recording_facts recording_from_json(const json& from) {
  recording_facts to;
  from.at("name").get_to(to.name);
  from.at("program").get_to(to.program);
  from.at("command").get_to(to.command);
  from.at("events").get_to(to.events);
  from.at("steps").get_to(to.steps);
  from.at("faults").get_to(to.faults);
  from.at("spaces").get_to(to.spaces);
  from.at("tasks").get_to(to.tasks);
  from.at("waits").get_to(to.waits);
  from.at("passes").get_to(to.passes);
  from.at("skipped").get_to(to.skipped);
  return to;
}

json run_to_json(const run& from) {
  return {{"recording", from.recording},   {"design", from.design}, {"walker", replay::name_of(from.mode)},
          {"repetition", from.repetition}, {"passes", from.passes}, {"is_warm_up", from.repetition == 0},
          {"figures", from.values}};
}

run run_from_json(const json& from) {
  run to;
  from.at("recording").get_to(to.recording);
  from.at("design").get_to(to.design);
  from.at("repetition").get_to(to.repetition);
  from.at("passes").get_to(to.passes);
  from.at("figures").get_to(to.values);
  const auto mode = replay::walker_named(from.at("walker").get<std::string>());
  if (!mode) throw std::runtime_error{"unknown walker " + from.at("walker").dump()};
  to.mode = *mode;
  return to;
}

// Worked out from the runs; for readers of the file, and left aside when it is read back.
json medians_to_json(const result& from) {
  std::map<std::tuple<std::string, std::string, replay::walker>, std::set<std::string>> keys;
  for (const run& one : from.runs) {
    if (one.repetition == 0) continue;
    for (const auto& [key, value] : one.values) keys[{one.recording, one.design, one.mode}].insert(key);
  }
  json made = json::array();
  for (const auto& [group, names] : keys) {
    const auto& [recording, design, mode] = group;
    json figures = json::object();
    for (const std::string& key : names) {
      const spread found = spread_of(from, recording, design, mode, key);
      figures[key] = {
          {"median", found.median}, {"min", found.min}, {"max", found.max}, {"count", found.count}};
    }
    made.push_back({{"recording", recording},
                    {"design", design},
                    {"walker", replay::name_of(mode)},
                    {"figures", std::move(figures)}});
  }
  return made;
}

json proof_to_json(const proof& from) {
  return {
      {"scenario", from.scenario},       {"summary", from.summary}, {"claim", from.claim},
      {"design", from.design},           {"holds", from.holds},     {"is_as_expected", from.is_as_expected},
      {"is_complete", from.is_complete}, {"search", from.search},   {"bound", from.bound},
      {"schedules", from.schedules},     {"finding", from.finding}, {"replay", from.replay}};
}

proof proof_from_json(const json& from) {
  proof to;
  from.at("scenario").get_to(to.scenario);
  from.at("summary").get_to(to.summary);
  from.at("claim").get_to(to.claim);
  from.at("design").get_to(to.design);
  from.at("holds").get_to(to.holds);
  from.at("is_as_expected").get_to(to.is_as_expected);
  from.at("is_complete").get_to(to.is_complete);
  from.at("search").get_to(to.search);
  from.at("bound").get_to(to.bound);
  from.at("schedules").get_to(to.schedules);
  from.at("finding").get_to(to.finding);
  from.at("replay").get_to(to.replay);
  return to;
}

template <class T, class F>
json list_to_json(const std::vector<T>& from, F one_to_json) {
  json made = json::array();
  for (const T& one : from) made.push_back(one_to_json(one));
  return made;
}

}  // namespace

std::string to_json(const result& from) {
  return dump({{"schema", schema_name},
               {"schema_version", schema_version},
               {"machine", machine_to_json(from.machine)},
               {"settings", settings_to_json(from.how)},
               {"recordings", list_to_json(from.recordings, recording_to_json)},
               {"proofs", list_to_json(from.proofs, proof_to_json)},
               {"traffic", from.traffic},
               {"workloads", from.workloads},
               {"grace_curve", from.curve},
               {"notes", from.notes},
               {"medians", medians_to_json(from)},
               {"runs", list_to_json(from.runs, run_to_json)}});
}

std::expected<result, std::string> from_json(std::string_view text) {
  try {
    const json read = json::parse(text);
    if (read.value("schema", "") != schema_name) return std::unexpected{"not a result file of rcuvm"};
    if (const int version = read.at("schema_version").get<int>(); version != schema_version) {
      return std::unexpected{"a result file of version " + std::to_string(version) +
                             "; this program reads version " + std::to_string(schema_version)};
    }
    result made;
    made.machine = machine_from_json(read.at("machine"));
    made.how = settings_from_json(read.at("settings"));
    read.at("notes").get_to(made.notes);
    for (const json& one : read.at("recordings")) made.recordings.push_back(recording_from_json(one));
    for (const json& one : read.at("proofs")) made.proofs.push_back(proof_from_json(one));
    read.at("traffic").get_to(made.traffic);
    if (read.contains("workloads")) read.at("workloads").get_to(made.workloads);
    if (read.contains("grace_curve")) read.at("grace_curve").get_to(made.curve);
    for (const json& one : read.at("runs")) made.runs.push_back(run_from_json(one));
    return made;
  } catch (const std::exception& problem) {
    return std::unexpected{std::string{"not a result file of rcuvm: "} + problem.what()};
  }
}

spread spread_of(const result& in, std::string_view recording, std::string_view design, replay::walker mode,
                 std::string_view key) {
  std::vector<double> samples;
  for (const run& one : in.runs) {
    if (one.repetition == 0 || one.mode != mode || one.recording != recording || one.design != design)
      continue;
    if (const auto found = one.values.find(key); found != one.values.end()) samples.push_back(found->second);
  }
  return rcuvm::spread_of(samples);
}

}  // namespace rcuvm::report
