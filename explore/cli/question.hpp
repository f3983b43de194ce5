// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One question to the explorer, and its answer.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "explore/scenarios/scenario.hpp"
#include "explore/story/story.hpp"

namespace rcuvm::explore::cli {

/// Wrong usage or bad input: the text goes to stderr, the program ends with exit_code::bad_input.
class refusal : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a command line says about searches; what it does not say is the subject's own.
struct search_wishes {
  std::string how;  ///< empty: not said
  std::optional<int> bound;
  std::optional<int> depth;
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> schedules;
  std::optional<double> seconds;
};

/// Throws refusal where two wishes contradict each other.
[[nodiscard]] search_options search_for(const subject& under, const search_wishes& wanted);

struct question {
  const scenario* about;
  const subject* under;
  const twin* without = nullptr;  ///< the mutation; null: none
  search_options search;
  std::string schedule;  ///< to be replayed instead of a search
  bool is_replay = false;
};

struct answer {
  question asked;
  search_result got;                ///< of a replay: one schedule
  std::optional<verdict> expected;  ///< nothing: a mutation that nobody has said anything about
  finding_kind expected_kind = finding_kind::none;
  bool is_as_expected = false;
};

/// Searches or replays. Throws refusal for a schedule that is none of this scenario.
[[nodiscard]] answer ask(const question& what);
/// The failing run once more, as a story.
[[nodiscard]] story tell_story(const answer& of, telling how);

/// "FAILS (use after free)", "holds (exhaustive: ...)", "nothing found (not exhaustive: ...)".
[[nodiscard]] std::string verdict_text(const answer& of);
/// "as expected", or what was expected instead.
[[nodiscard]] std::string expectation_text(const answer& of);
/// "bounded, up to 2 preemptions".
[[nodiscard]] std::string search_text(const search_options& how);
/// The command that shows the finding again; empty: there is none.
[[nodiscard]] std::string replay_command(const answer& of);
/// `told` may be null.
[[nodiscard]] nlohmann::json to_json(const answer& of, const story* told);

/// "a, b, c"; `none` when there is nothing.
template <class Range, class Name>
[[nodiscard]] std::string list_text(const Range& of, Name name, const char* none = "none") {
  std::string made;
  for (const auto& each : of) made.append(made.empty() ? "" : ", ").append(name(each));
  return made.empty() ? none : made;
}

}  // namespace rcuvm::explore::cli
