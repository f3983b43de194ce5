// SPDX-License-Identifier: Apache-2.0
#include "explore/cli/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "explore/cli/question.hpp"
#include "explore/cli/tables.hpp"

namespace rcuvm::explore::cli {

namespace {

constexpr const char* description =
    "Runs a few threads on the real code of the library in every order that a search reaches, and tells the "
    "first\n"
    "run that breaks a promise as a story. Without a scenario: the list of scenarios.";

constexpr const char* footer =
    "Examples:\n"
    "  rcuvm explore                                      all scenarios, designs and mutations\n"
    "  rcuvm explore grace-period                         one scenario under all its designs\n"
    "  rcuvm explore grace-period --design no-wait        the story of the failing run\n"
    "  rcuvm explore grace-period --design no-wait --replay c    the same run again, without a search\n"
    "  rcuvm explore grace-period --design wait --search pct --depth 3 --schedules 100000\n"
    "  rcuvm explore --all                                every scenario under every design, as the tests "
    "run them\n"
    "  rcuvm explore --traffic                            what an operation writes that others touch\n"
    "  rcuvm explore --mutations                          is each wait that a design needs missed when it is "
    "left out?\n"
    "\n"
    "'holds' is said of this scenario within its bounds, and of nothing else. What the explorer does not "
    "see:\n"
    "  - weak memory: an atomic load reads the newest store (sequential consistency). Memory orders count "
    "only for\n"
    "    races on plain data, by vector clocks. The small protocols are proved under the C++11 model by "
    "Relacy, in\n"
    "    tests/relacy.\n"
    "  - more threads, calls or pages than the scenario has; capacities are small in the checked build.\n"
    "  - the real liburcu: RCU is modelled by its specification.\n"
    "  - spurious wake-ups of condition variables.\n"
    "  - words outside the arena, such as globals and the stacks of the threads.\n"
    "  - what the compiler reorders or leaves out: it runs the code as it was compiled here.\n"
    "\n"
    "A schedule such as b14c3(1)b: thread b decides 14 times to run, c three times, waiter 1 is chosen; a is "
    "main.\n"
    "\nExit status: 0 as expected, 1 not as expected, 2 wrong usage or an unknown name or schedule.";

struct options {
  std::string scenario;
  std::string design = "all";
  std::string mutation;
  search_wishes search;
  std::string schedule;
  bool is_replay = false;
  bool is_list = false;
  bool is_all = false;
  bool is_mutations = false;
  bool is_traffic = false;
  bool is_json = false;
  bool has_no_story = false;
  bool is_whole = false;
};

void add_options(CLI::App& program, options& how) {
  program.add_option("scenario", how.scenario, "What is asked; see --list")->type_name("SCENARIO");
  program.add_option("--design", how.design, "One design of the scenario, or all (the default)")
      ->type_name("D|all");
  program
      .add_option(
          "--search", how.search.how,
          "bounded: all interleavings with few preemptions; reduced: all, each class once; random; pct "
          "(default: the scenario's own)")
      ->type_name("HOW");
  program.add_option("--bound", how.search.bound, "Preemptions at most, of a bounded search")
      ->check(CLI::Range(0, 1000));
  program.add_option("--depth", how.search.depth, "Orderings that a pct search aims at")
      ->check(CLI::Range(1, 1000));
  program.add_option("--seed", how.search.seed, "Of a random or pct search");
  program.add_option("--schedules", how.search.schedules, "Runs at most")->check(CLI::PositiveNumber);
  program.add_option("--seconds", how.search.seconds, "CPU time at most")->check(CLI::PositiveNumber);
  program.add_option("--mutation", how.mutation, "Leaves out a wait, a check or an order of the library")
      ->type_name("M");
  program.add_option("--replay", how.schedule, "Runs one schedule instead of a search")
      ->type_name("SCHEDULE");
  program.add_flag("--json", how.is_json, "Prints one JSON object");
  program.add_flag("--no-story", how.has_no_story, "The verdict alone");
  program.add_flag("--whole", how.is_whole,
                   "The story tells what main does before and after the threads, too");
  program.add_flag("--list", how.is_list, "All scenarios, with what is expected of each design");
  program.add_flag("--all", how.is_all, "Searches every scenario under every design");
  program.add_flag("--traffic", how.is_traffic,
                   "Counts writes to lines that other threads touch, per operation and design");
  program.add_flag("--mutations", how.is_mutations, "Searches with each mutation, where it should be caught");
}

const scenario& scenario_named(const std::string& name) {
  if (const scenario* const found = find_scenario(name)) return *found;
  throw refusal{fmt::format("unknown scenario '{}'; there are: {}", name,
                            list_text(all_scenarios(), [](const scenario& one) { return one.name; }))};
}

std::vector<const subject*> subjects_named(const scenario& of, const std::string& design) {
  std::vector<const subject*> made;
  for (const subject& each : of.subjects) {
    if (design == "all" || each.design == design) made.push_back(&each);
  }
  if (!made.empty()) return made;
  throw refusal{fmt::format("unknown design '{}' of {}; there are: {}, all", design, of.name,
                            list_text(of.subjects, [](const subject& one) { return one.design; }))};
}

const twin* mutation_named(const std::string& name) {
  if (name.empty()) return nullptr;
  const auto found = std::ranges::find(all_twins(), name, &twin::name);
  if (found != all_twins().end()) return &*found;
  std::vector<std::string_view> names;
  for (const twin& each : all_twins()) {
    if (std::ranges::find(names, each.name) == names.end()) names.push_back(each.name);
  }
  throw refusal{fmt::format("unknown mutation '{}'; there are: {}", name,
                            list_text(names, [](std::string_view one) { return one; }))};
}

void print(const answer& of, bool has_story, const options& how) {
  const question& asked = of.asked;
  fmt::print("{} --design {}{}{}  [{}]  {}\n", asked.about->name, asked.under->design,
             asked.without != nullptr ? " --mutation " : "",
             asked.without != nullptr ? asked.without->name : "", asked.about->claim, asked.about->summary);
  if (has_story && of.got.found) {
    const story told = tell_story(of, how.is_whole ? telling::whole : telling::concurrent);
    fmt::print("\n{}\n", to_text(told, replay_command(of), story_width()));
  } else if (of.got.found) {
    fmt::print("    {}\n    replay: {}\n", tell_story(of, telling::concurrent).what, replay_command(of));
  } else if (has_story && asked.is_replay) {
    fmt::print("\n{}\n", to_text(tell_story(of, how.is_whole ? telling::whole : telling::concurrent), "",
                                 story_width()));
  }
  if (asked.is_replay) {
    fmt::print("{}; {}\n", verdict_text(of), expectation_text(of));
  } else {
    fmt::print("{}; {}; {} schedules of up to {} steps, {:.2f} s; search: {}\n", verdict_text(of),
               expectation_text(of), of.got.schedules, of.got.longest, of.got.seconds,
               search_text(asked.search));
  }
  std::fflush(stdout);
}

int ask_about(const options& how) {
  const scenario& about = scenario_named(how.scenario);
  const std::vector<const subject*> under = subjects_named(about, how.design);
  const twin* const without = mutation_named(how.mutation);
  if (how.is_replay && under.size() != 1) throw refusal{"--replay needs one --design"};
  const bool has_story = !how.has_no_story && under.size() == 1;
  nlohmann::json all = nlohmann::json::array();
  bool is_good = true;
  bool is_first = true;
  for (const subject* each : under) {
    const answer got = ask({.about = &about,
                            .under = each,
                            .without = without,
                            .search = search_for(*each, how.search),
                            .schedule = how.schedule,
                            .is_replay = how.is_replay});
    // One schedule proves nothing, so a replay is unexpected only where it finds something else.
    is_good = is_good && (got.is_as_expected || (how.is_replay && !got.got.found));
    if (!how.is_json) {
      if (!is_first) fmt::print("\n");
      print(got, has_story, how);
    } else if (has_story && (got.got.found || how.is_replay)) {
      const story told = tell_story(got, how.is_whole ? telling::whole : telling::concurrent);
      all.push_back(to_json(got, &told));
    } else {
      all.push_back(to_json(got, nullptr));
    }
    is_first = false;
  }
  if (how.is_json) {
    const nlohmann::json printed = under.size() == 1 ? all.front() : nlohmann::json{{"results", all}};
    fmt::print("{}\n", printed.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else if (!has_story && !how.has_no_story && under.size() > 1) {
    fmt::print("\nFor the story of a failing run give one --design.\n");
  }
  return is_good ? as_expected : not_as_expected;
}

int answer_to(const options& how) {
  const int tables = static_cast<int>(how.is_all) + static_cast<int>(how.is_mutations) +
                     static_cast<int>(how.is_list) + static_cast<int>(how.is_traffic);
  if (tables > 1) throw refusal{"--list, --all, --mutations and --traffic are four questions"};
  if (tables == 1 && !how.scenario.empty())
    throw refusal{"--list, --all, --mutations and --traffic take no scenario"};
  const search_wishes& wanted = how.search;
  const bool has_wishes = !how.mutation.empty() || how.is_replay || how.design != "all" ||
                          !wanted.how.empty() || wanted.bound || wanted.depth || wanted.seed ||
                          wanted.schedules || wanted.seconds;
  if (how.scenario.empty() && has_wishes) throw refusal{"which scenario? See rcuvm explore --list"};
  if (how.is_all) return ask_all(how.is_json);
  if (how.is_mutations) return ask_mutations(how.is_json);
  if (how.is_traffic) return print_traffic(how.is_json);
  if (how.scenario.empty()) return print_list(how.is_json);
  return ask_about(how);
}

}  // namespace

int run(int argc, const char* const* argv) {
  try {
    options how;
    CLI::App program{description};
    program.name("rcuvm explore");
    program.footer(footer);
    add_options(program, how);
    try {
      program.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
      return program.exit(problem) == 0 ? as_expected : bad_input;
    }
    how.is_replay = program.count("--replay") != 0;
    return answer_to(how);
  } catch (const refusal& problem) {
    fmt::print(stderr, "rcuvm explore: {}\n", problem.what());
    return bad_input;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "rcuvm explore: {}\n", problem.what());
    return not_as_expected;
  }
}

}  // namespace rcuvm::explore::cli
