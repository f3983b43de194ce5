// SPDX-License-Identifier: Apache-2.0
#include "bench/report/proofs.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "bench/report/traffic_json.hpp"

namespace rcuvm::report {

namespace {

using nlohmann::json;

std::string text_or_none(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

proof proof_from_json(const json& from) {
  proof made;
  from.at("scenario").get_to(made.scenario);
  from.at("summary").get_to(made.summary);
  from.at("claim").get_to(made.claim);
  from.at("design").get_to(made.design);
  made.holds = from.at("verdict") != "fails";
  from.at("as_expected").get_to(made.is_as_expected);
  from.at("complete").get_to(made.is_complete);
  from.at("search").get_to(made.search);
  if (const json& bound = from.at("bound"); bound.is_number()) bound.get_to(made.bound);
  from.at("schedules").get_to(made.schedules);
  if (const json& found = from.at("finding"); found.is_object()) found.at("what").get_to(made.finding);
  made.replay = text_or_none(from, "replay");
  return made;
}

std::string in_quotes(const std::string& path) {
  std::string made = "'";
  for (const char each : path) made += each == '\'' ? std::string{"'\\''"} : std::string{each};
  return made + "'";
}

/// list_of(the answer), or why it cannot be read.
template <class F>
auto read_answer(std::string_view text, F list_of)
    -> std::expected<std::invoke_result_t<F, json>, std::string> {
  try {
    return list_of(json::parse(text));
  } catch (const std::exception& problem) {
    return std::unexpected{std::string{"the explorer's answer cannot be read: "} + problem.what()};
  }
}

/// What `program QUESTION --json` prints.
std::expected<std::string, std::string> answer_of(const std::filesystem::path& program,
                                                  std::string_view question) {
  if (!std::filesystem::exists(program)) {
    return std::unexpected{fmt::format(
        "{} is not there, so no races were searched for; the preset release builds it", program.string())};
  }
  const std::string command = fmt::format("{} {} --json 2>/dev/null", in_quotes(program.string()), question);
  const auto close = [](std::FILE* stream) { ::pclose(stream); };
  const std::unique_ptr<std::FILE, decltype(close)> answer{::popen(command.c_str(), "r"), close};
  if (!answer) return std::unexpected{fmt::format("{} cannot be started", program.string())};
  std::string text;
  std::array<char, 4096> piece;
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), answer.get())) {
    text.append(piece.data(), count);
  }
  return text;
}

}  // namespace

std::expected<std::vector<proof>, std::string> proofs_from_json(std::string_view text) {
  return read_answer(text, [](const json& read) {
    std::vector<proof> made;
    for (const json& one : read.at("results")) made.push_back(proof_from_json(one));
    return made;
  });
}

std::expected<std::vector<traffic>, std::string> traffic_from_json(std::string_view text) {
  return read_answer(text, [](const json& read) { return read.at("traffic").get<std::vector<traffic>>(); });
}

std::expected<std::vector<proof>, std::string> run_explorer(const std::filesystem::path& program) {
  const auto text = answer_of(program, "--all");
  return text ? proofs_from_json(*text) : std::unexpected{text.error()};
}

std::expected<std::vector<traffic>, std::string> run_traffic(const std::filesystem::path& program) {
  const auto text = answer_of(program, "--traffic");
  return text ? traffic_from_json(*text) : std::unexpected{text.error()};
}

std::string to_text(const proof& from) {
  if (!from.holds) return fmt::format("fails: {}", from.finding);
  if (!from.is_complete) return fmt::format("nothing found in {} schedules", from.schedules);
  if (from.search == "reduced")
    return fmt::format("holds: every interleaving, in {} schedules", from.schedules);
  return fmt::format("holds: {} schedules, all with up to {} preemption{}", from.schedules, from.bound,
                     from.bound == 1 ? "" : "s");
}

}  // namespace rcuvm::report
