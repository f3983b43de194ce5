// SPDX-License-Identifier: Apache-2.0
#include "explore/cli/question.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "explore/search/replay.hpp"

namespace rcuvm::explore::cli {

namespace {

/// guard: set between two runs, put back at the end.
class mutated {
 public:
  explicit mutated(const twin* how) { active_mutation = how != nullptr ? how->broken : mutation::none; }
  ~mutated() { active_mutation = mutation::none; }
  mutated(const mutated&) = delete;
  mutated& operator=(const mutated&) = delete;
};

/// Tells on stderr how far a search is: on a terminal in one line, elsewhere now and then.
class progress_line {
 public:
  explicit progress_line(std::string what)
      : what_{std::move(what)}, is_terminal_{::isatty(STDERR_FILENO) == 1} {}
  ~progress_line() {
    if (is_terminal_ && has_said_) fmt::print(stderr, "\r\033[K");
  }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  void tell(std::uint64_t schedules, double seconds) {
    if (seconds < next_) return;
    next_ = seconds + (is_terminal_ ? 0.2 : 10);
    has_said_ = true;
    fmt::print(stderr, "{}{}: {} schedules, {:.0f} s of CPU time{}", is_terminal_ ? "\r\033[K" : "", what_,
               schedules, seconds, is_terminal_ ? "" : "\n");
    std::fflush(stderr);
  }

 private:
  const std::string what_;
  const bool is_terminal_;
  bool has_said_ = false;
  double next_ = 2;
};

std::string subject_text(const question& of) {
  return fmt::format("{} --design {}{}{}", of.about->name, of.under->design,
                     of.without != nullptr ? " --mutation " : "",
                     of.without != nullptr ? of.without->name : "");
}

void expect(answer& of) {
  const question& asked = of.asked;
  if (asked.without == nullptr) {
    of.expected = asked.under->expected;
    of.expected_kind = asked.under->kind;
  }
  for (const twin& each : all_twins()) {
    if (asked.without == nullptr || each.broken != asked.without->broken) continue;
    if (each.scenario != asked.about->name || each.design != asked.under->design) continue;
    of.expected = verdict::fails;
    of.expected_kind = each.kind;
  }
  if (!of.expected) {
    of.is_as_expected = true;
  } else if (*of.expected == verdict::holds) {
    of.is_as_expected = !of.got.found;
  } else {
    of.is_as_expected =
        of.got.found && (of.expected_kind == finding_kind::none || of.got.found.kind == of.expected_kind);
  }
  if (of.got.found.kind == finding_kind::divergence) of.is_as_expected = false;
}

search_result replay_one(const question& what) {
  const auto schedule = parse_schedule(what.schedule);
  if (!schedule) {
    throw refusal{fmt::format(
        "'{}' is no schedule; one looks like b14c3(1)b: a thread's letter, how often it decides to run, "
        "a waiter in brackets",
        what.schedule)};
  }
  const replayed run = replay_schedule(what.under->body, *schedule, what.search.limits);
  if (run.found.kind == finding_kind::divergence) {
    throw refusal{
        fmt::format("'{}' is no schedule of {}: {}", what.schedule, subject_text(what), run.found.what)};
  }
  search_result made;
  made.found = run.found;
  made.schedule = *schedule;
  made.schedules = 1;
  made.steps = made.longest = static_cast<std::uint32_t>(run.told.steps.size());
  return made;
}

nlohmann::json place_json(const told_place& of) {
  return {{"function", of.function}, {"file", of.file}, {"line", of.line}, {"source", of.text}};
}

nlohmann::json story_json(const story& of) {
  using nlohmann::json;
  json rows = json::array();
  for (const story::row& each : of.rows) {
    json row = place_json(each.where);
    row["step"] = each.number;
    row["thread"] = of.threads[static_cast<std::size_t>(each.thread)];
    row["what"] = each.what;
    row["kind"] = each.what_kind == story::row::kind::step    ? "step"
                  : each.what_kind == story::row::kind::plain ? "plain"
                                                              : "end";
    rows.push_back(std::move(row));
  }
  json objects = json::array();
  for (const story::object& each : of.objects) {
    objects.push_back({{"name", each.name},
                       {"type", each.type},
                       {"bytes", each.bytes},
                       {"allocated_by", each.allocated_by},
                       {"freed_by", each.freed_by},
                       {"allocated_at", place_json(each.allocated_at)}});
  }
  json stacks = json::array();
  for (const story::stack& each : of.stacks) {
    json frames = json::array();
    for (const told_place& one : each.frames) frames.push_back(place_json(one));
    stacks.push_back({{"title", each.title}, {"frames", std::move(frames)}});
  }
  return {{"threads", of.threads},
          {"rows", std::move(rows)},
          {"objects", std::move(objects)},
          {"stacks", std::move(stacks)}};
}

std::string_view name_of(verdict of) noexcept { return of == verdict::holds ? "holds" : "fails"; }

std::string preemptions(int count) { return fmt::format("{} preemption{}", count, count == 1 ? "" : "s"); }

bool is_sampling(strategy how) noexcept { return how == strategy::uniform || how == strategy::priorities; }

}  // namespace

search_options search_for(const subject& under, const search_wishes& wanted) {
  search_options made = under.search;
  if (!wanted.how.empty()) {
    const auto how = strategy_of(wanted.how);
    if (!how)
      throw refusal{fmt::format("unknown search '{}'; there are: bounded, reduced, random, pct", wanted.how)};
    if (*how != made.how) made.bound = search_options{}.bound;
    made.how = *how;
  } else if (wanted.bound && !wanted.depth) {
    made.how = strategy::bounded;
  } else if (wanted.depth && !wanted.bound) {
    made.how = strategy::priorities;
  }
  if (wanted.bound && made.how != strategy::bounded) throw refusal{"--bound belongs to --search bounded"};
  if (wanted.depth && made.how != strategy::priorities) throw refusal{"--depth belongs to --search pct"};
  if (wanted.seed && !is_sampling(made.how)) throw refusal{"--seed belongs to --search random or pct"};
  if (wanted.bound) made.bound = *wanted.bound;
  if (wanted.depth) made.bound = *wanted.depth;
  if (wanted.seed) made.seed = *wanted.seed;
  if (wanted.schedules) made.max_schedules = *wanted.schedules;
  if (wanted.seconds) made.max_seconds = *wanted.seconds;
  return made;
}

answer ask(const question& what) {
  const mutated here{what.without};
  answer made{.asked = what, .got = {}, .expected = {}};
  if (what.is_replay) {
    made.got = replay_one(what);
  } else {
    progress_line line{subject_text(what)};
    made.got = explore(what.under->body, what.search,
                       [&](std::uint64_t schedules, double seconds) { line.tell(schedules, seconds); });
  }
  expect(made);
  return made;
}

story tell_story(const answer& of, telling how) {
  const mutated here{of.asked.without};
  return tell(replay_schedule(of.asked.under->body, of.got.schedule, of.asked.search.limits), how);
}

std::string verdict_text(const answer& of) {
  const search_result& got = of.got;
  if (got.found) return fmt::format("FAILS ({})", explore::name_of(got.found.kind));
  if (of.asked.is_replay) return "nothing found (not exhaustive: one schedule)";
  if (!got.is_complete) return fmt::format("nothing found (not exhaustive: {} schedules)", got.schedules);
  if (of.asked.search.how == strategy::reduced)
    return "holds (exhaustive: all interleavings of this scenario)";
  return fmt::format("holds (exhaustive: all interleavings up to {})", preemptions(of.asked.search.bound));
}

std::string expectation_text(const answer& of) {
  if (!of.expected) return "no expectation: nobody has said what this mutation does here";
  if (of.is_as_expected) return "as expected";
  if (*of.expected == verdict::holds) return "NOT as expected: it should hold";
  return of.expected_kind == finding_kind::none
             ? "NOT as expected: it should fail"
             : fmt::format("NOT as expected: it should fail ({})", explore::name_of(of.expected_kind));
}

std::string search_text(const search_options& how) {
  switch (how.how) {
    case strategy::bounded: return fmt::format("bounded, up to {}", preemptions(how.bound));
    case strategy::reduced: return "reduced";
    case strategy::uniform: return fmt::format("random, seed {}", how.seed);
    case strategy::priorities: return fmt::format("pct, depth {}, seed {}", how.bound, how.seed);
  }
  return {};
}

std::string replay_command(const answer& of) {
  if (!of.got.found || of.got.found.kind == finding_kind::divergence) return {};
  return fmt::format("rcuvm explore {} --replay '{}'", subject_text(of.asked), to_text(of.got.schedule));
}

nlohmann::json to_json(const answer& of, const story* told) {
  const question& asked = of.asked;
  const bool has_bound = asked.search.how == strategy::bounded || asked.search.how == strategy::priorities;
  nlohmann::json made{{"scenario", asked.about->name},
                      {"claim", asked.about->claim},
                      {"summary", asked.about->summary},
                      {"design", asked.under->design},
                      {"mutation", nullptr},
                      {"search", asked.is_replay ? "replay" : explore::name_of(asked.search.how)},
                      {"bound", nullptr},
                      {"seed", nullptr},
                      {"schedules", of.got.schedules},
                      {"steps", of.got.steps},
                      {"longest", of.got.longest},
                      {"complete", of.got.is_complete},
                      {"seconds", of.got.seconds},
                      {"verdict", of.got.found         ? "fails"
                                  : of.got.is_complete ? "holds"
                                                       : "nothing found"},
                      {"expected", nullptr},
                      {"as_expected", of.is_as_expected},
                      {"finding", nullptr},
                      {"schedule", nullptr},
                      {"replay", nullptr},
                      {"story", nullptr}};
  if (asked.without != nullptr) made["mutation"] = asked.without->name;
  if (has_bound && !asked.is_replay) made["bound"] = asked.search.bound;
  if (is_sampling(asked.search.how) && !asked.is_replay) made["seed"] = asked.search.seed;
  if (of.expected) made["expected"] = name_of(*of.expected);
  if (of.got.found) {
    made["finding"] = {
        {"kind", explore::name_of(of.got.found.kind)},
        {"what", told != nullptr && told->kind == of.got.found.kind ? told->what : of.got.found.what},
        {"object", of.got.found.object}};
    made["schedule"] = to_text(of.got.schedule);
    made["replay"] = replay_command(of);
  } else if (asked.is_replay) {
    made["schedule"] = asked.schedule;
  }
  if (told != nullptr) made["story"] = story_json(*told);
  return made;
}

}  // namespace rcuvm::explore::cli
