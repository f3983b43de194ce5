// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/cli/cli.hpp"
#include "bench/cli/command.hpp"
#include "bench/cli/progress_line.hpp"
#include "bench/diff_kernel/model.hpp"
#include "bench/diff_kernel/reproducer.hpp"
#include "bench/diff_kernel/scene.hpp"
#include "bench/diff_kernel/search.hpp"
#include "proc_maps/format.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/sync/clock.hpp"

namespace rcuvm::cli {

namespace {

using nlohmann::json;

struct diff_kernel_options {
  std::uint64_t calls = diff_kernel::search_options{}.calls;
  std::uint64_t seed = diff_kernel::search_options{}.seed;
  std::uint64_t arena_bytes = diff_kernel::search_options{}.arena_bytes;
  std::string design = "replace";
  std::string program;  ///< where the C program goes; empty: to stdout
  bool is_json = false;
};

json to_json(const diff_kernel::sight& one) {
  return {{"answer", diff_kernel::to_text(one.answer)},
          {"seen", one.seen},
          {"maps", proc_maps::format(one.lines)}};
}

json to_json(const diff_kernel_options& how, const diff_kernel::search_result& found,
             const std::string& program) {
  json made{{"kernel", diff_kernel::kernel_name()}, {"design", how.design}, {"seed", how.seed},
            {"arena_bytes", how.arena_bytes},       {"calls", found.calls}, {"difference", nullptr}};
  if (!found.finding) return made;
  json calls = json::array();
  for (const diff_kernel::call& one : found.finding->calls) calls.push_back(diff_kernel::to_text(one));
  made["difference"] = {{"at_call", found.finding->at_call},
                        {"calls", std::move(calls)},
                        {"kernel", to_json(found.finding->difference.kernel)},
                        {"model", to_json(found.finding->difference.model)},
                        {"program", program}};
  return made;
}

void print(const diff_kernel_options& how, const diff_kernel::search_result& found) {
  fmt::print("{}, design {}, seed {}: {} calls, ", diff_kernel::kernel_name(), how.design, how.seed,
             found.calls);
  if (!found.finding) {
    fmt::print("no difference\n");
    return;
  }
  const diff_kernel::finding& what = *found.finding;
  fmt::print("a difference at call {}\n\nThe shortest sequence found, {} calls:\n", what.at_call,
             what.calls.size());
  for (const diff_kernel::call& one : what.calls) fmt::print("  {}\n", diff_kernel::to_text(one));
  fmt::print("\nAfter it: {}", diff_kernel::to_text(what.difference, what.calls.back()));
}

int run_diff_kernel(const diff_kernel_options& how) {
  if (how.arena_bytes % page_size != 0)
    throw refusal{fmt::format("an arena of {} bytes: not a multiple of {}", how.arena_bytes, page_size)};
  if (designs_named(how.design).size() != 1) throw refusal{"one design at a time"};
  if (!diff_kernel::is_kernel_followed()) {
    fmt::print(stderr, "rcuvm: this is {}; the model follows {}, others differ in places\n",
               diff_kernel::kernel_name(), diff_kernel::model_follows);
  }
  diff_kernel::search_options what{.calls = how.calls, .seed = how.seed, .arena_bytes = how.arena_bytes};
  diff_kernel::search_result found;
  {
    progress_line progress;
    std::uint64_t shown_ns = sync::now_ns();
    what.on_progress = [&](std::uint64_t calls) {
      if (sync::now_ns() - shown_ns < 1'000'000'000) return;
      shown_ns = sync::now_ns();
      progress.show(fmt::format("{} calls, no difference", calls),
                    static_cast<double>(calls) / static_cast<double>(how.calls));
    };
    found = diff_kernel::search(what, *diff_kernel::make_model(how.design));
  }
  std::string program;
  if (found.finding) {
    program =
        diff_kernel::reproducer(found.finding->calls, how.arena_bytes,
                                diff_kernel::to_text(found.finding->difference, found.finding->calls.back()));
  }
  if (how.is_json) {
    fmt::print("{}\n", to_json(how, found, program).dump(1, ' ', false, json::error_handler_t::replace));
  } else {
    print(how, found);
    if (found.finding && how.program.empty()) fmt::print("\nA C program that shows it:\n\n{}", program);
  }
  if (!found.finding) return ok;
  if (!how.program.empty()) {
    std::ofstream out{how.program};
    out << program;
    if (!out.flush()) throw refusal{how.program + ": cannot be written"};
    fmt::print(stderr, "rcuvm: wrote {}\n", how.program);
  }
  return differences;
}

}  // namespace

void add_diff_kernel(CLI::App& program, int& code) {
  const auto how = std::make_shared<diff_kernel_options>();
  CLI::App* const command = program.add_subcommand(
      "diff-kernel", "Random calls on the running kernel and on the model: any difference is told");
  command->add_option("--ops", how->calls, "Calls")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--seed", how->seed, "The same seed, the same calls")->capture_default_str();
  command->add_option("--arena", how->arena_bytes, "Bytes of addresses to play in; K and M may follow")
      ->transform(CLI::AsSizeValue{false})
      ->check(CLI::Range(4 * page_size, diff_kernel::largest_arena))
      ->capture_default_str();
  command->add_option("--design", how->design, "The design of the model")->capture_default_str();
  command->add_option("-o,--output", how->program, "File for the C program that shows a difference")
      ->type_name("FILE");
  command->add_flag("--json", how->is_json, "As JSON");
  command->footer(
      "After every call the answer and the lines of /proc/PID/maps are compared, and from time to time what\n"
      "each page holds. A difference is shrunk to a few calls, and told as a C program, too.\n"
      "\nExamples:\n"
      "  rcuvm diff-kernel --ops 1000000 --seed 7\n"
      "  rcuvm diff-kernel --arena 2M --design tombstone\n"
      "  rcuvm diff-kernel --seed 3 -o found.c && cc found.c && ./a.out\n"
      "  setarch -L rcuvm diff-kernel         with room looked for from below, as in old processes\n"
      "\nExit status: 0 no difference, 1 a difference, 2 wrong usage.");
  command->callback([how, &code] { code = run_diff_kernel(*how); });
}

}  // namespace rcuvm::cli
