// SPDX-License-Identifier: Apache-2.0

/// A failing run is told so that a person can follow it, and the command line says what it is asked.

#include "explore/story/story.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "explore/cli/command.hpp"
#include "explore/scenarios/scenario.hpp"
#include "explore/search/replay.hpp"
#include "explore/story/cut.hpp"
#include "explore/story/frames.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::explore {
namespace {

bool holds(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

// --- bodies that fail -----------------------------------------------------------------------------------------

struct record {
  int value = 42;
};

struct shared_state {
  sync::atomic<record*> to{nullptr};
  sync::atomic<int> frees{0};
  sync::mutex first;
  sync::mutex second;
  int plain = 0;
};

/// The reader touches what the writer has freed.
void reads_freed_memory() {
  const auto shared = std::make_unique<shared_state>();
  shared->to.store_release(sync::memory::make<record>());
  together(world::thread_body{"writer",
                              [&] {
                                sync::memory::destroy(shared->to.load_acquire());
                                shared->frees.store_relaxed(1);
                              }},
           world::thread_body{"reader", [&] {
                                const record* found = shared->to.load_acquire();
                                if (shared->frees.load_relaxed() == 0) return;
                                RCUVM_PROMISE(found->value == 42, "the record is read");
                              }});
}

/// Nothing makes the writer wait for the reader; and a bystander has used the record in good order.
void frees_before_a_use_is_over() {
  const auto shared = std::make_unique<shared_state>();
  shared->to.store_release(sync::memory::make<record>());
  const auto read = [&](sync::atomic<int>* done) {
    const record* const found = shared->to.load_acquire();
    if (found == nullptr) return;
    RCUVM_PROMISE(found->value == 42, "the record is read");
    if (done != nullptr) done->store_release(1);
  };
  const auto write = [&] {
    if (shared->frees.load_acquire() == 0) return;
    record* const old = shared->to.load_acquire();
    shared->to.store_release(nullptr);
    sync::memory::destroy(old);
  };
  together(world::thread_body{"reader", [&] { read(nullptr); }},
           world::thread_body{"bystander", [&] { read(&shared->frees); }},
           world::thread_body{"writer", write});
  if (record* const left = shared->to.load_acquire()) sync::memory::destroy(left);
}

void locks_both_ways() {
  const auto shared = std::make_unique<shared_state>();
  const auto forward = [&] {
    const sync::mutex_guard one{shared->first};
    const sync::mutex_guard two{shared->second};
  };
  const auto backward = [&] {
    const sync::mutex_guard two{shared->second};
    const sync::mutex_guard one{shared->first};
  };
  together(world::thread_body{"forward", forward}, world::thread_body{"backward", backward});
}

/// The writer holds the lock while it waits for the reader, who wants the lock.
void waits_for_readers_under_a_lock() {
  const auto shared = std::make_unique<shared_state>();
  const auto write = [&] {
    const sync::mutex_guard held{shared->first};
    sync::rcu::synchronize();
  };
  const auto read = [&] {
    const sync::rcu::registration here{"reader"};
    const sync::rcu::read_section reading;
    const sync::mutex_guard held{shared->first};
  };
  together(world::thread_body{"writer", write}, world::thread_body{"reader", read});
}

void races_on_plain_data() {
  const auto shared = std::make_unique<shared_state>();
  together(world::thread_body{"one", [&] { shared->plain = 1; }},
           world::thread_body{"two", [&] {
                                shared->frees.store_relaxed(1);
                                shared->plain = 2;
                              }});
}

void forgets_a_record() {
  together(world::thread_body{"one", [] { std::ignore = sync::memory::make<record>(); }});
}

story story_of(const scenario_body& body) {
  const search_result got = explore(body, {});
  EXPECT_TRUE(got.found);
  return tell(replay_schedule(body, got.schedule));
}

std::string text_of(const story& told, std::size_t width = 160) {
  return to_text(told, "rcuvm explore again", width);
}

const story::stack* stack_titled(const story& told, std::string_view words) {
  const auto found =
      std::ranges::find_if(told.stacks, [&](const auto& one) { return holds(one.title, words); });
  return found == told.stacks.end() ? nullptr : &*found;
}

bool has_frame_here(const story::stack& of) {
  return std::ranges::any_of(
      of.frames, [](const told_place& one) { return one.file == "tests/explore/story_test.cpp"; });
}

// --- stories --------------------------------------------------------------------------------------------------

TEST(story, Use_after_free_has_its_three_stacks) {
  const story told = story_of(reads_freed_memory);
  ASSERT_EQ(told.kind, finding_kind::use_after_free);
  if (!told.has_lines) GTEST_SKIP() << "addr2line is missing";
  const story::stack* const freed = stack_titled(told, "freed by writer");
  const story::stack* const used = stack_titled(told, "by reader");
  const story::stack* const made = stack_titled(told, "was allocated by main");
  ASSERT_NE(freed, nullptr) << text_of(told);
  ASSERT_NE(used, nullptr) << text_of(told);
  ASSERT_NE(made, nullptr) << text_of(told);
  EXPECT_TRUE(has_frame_here(*freed)) << text_of(told);
  EXPECT_TRUE(has_frame_here(*used)) << text_of(told);
  EXPECT_TRUE(has_frame_here(*made)) << text_of(told);
}

TEST(story, Free_without_waiting_names_who_was_not_waited_for) {
  const story told = story_of(frees_before_a_use_is_over);
  ASSERT_EQ(told.kind, finding_kind::use_after_free);
  ASSERT_TRUE(holds(told.what, "writer frees what reader uses")) << told.what;
  EXPECT_NE(stack_titled(told, "is used by reader"), nullptr) << text_of(told);
  EXPECT_EQ(stack_titled(told, "bystander"), nullptr) << text_of(told);
}

TEST(story, Rows_show_threads_values_orders_and_source_lines) {
  const story told = story_of(reads_freed_memory);
  const std::string text = text_of(told);
  for (const char* each : {"writer", "reader", "load #1", ", acquire", "free #", "Objects", "allocated at"}) {
    EXPECT_TRUE(holds(text, each)) << each << "\n" << text;
  }
  EXPECT_TRUE(text.ends_with("\nreplay: rcuvm explore again\n")) << text;
  if (!told.has_lines) GTEST_SKIP() << "addr2line is missing";
  EXPECT_TRUE(holds(text, "tests/explore/story_test.cpp:")) << text;
  EXPECT_TRUE(holds(text, "sync::memory::destroy(shared->to.load_acquire());")) << text;
}

TEST(story, Main_is_left_out_unless_asked) {
  const search_result got = explore(reads_freed_memory, {});
  const replayed run = replay_schedule(reads_freed_memory, got.schedule);
  const auto of_main = [](const story& one) { return std::ranges::count(one.rows, 0, &story::row::thread); };
  EXPECT_EQ(of_main(tell(run)), 0);
  EXPECT_GT(of_main(tell(run, telling::whole)), 0);
}

TEST(story, Deadlock_shows_who_waits_for_what) {
  const story told = story_of(waits_for_readers_under_a_lock);
  ASSERT_EQ(told.kind, finding_kind::deadlock) << told.what;
  const story::stack* const writer = stack_titled(told, "writer waits: } grace period");
  const story::stack* const reader = stack_titled(told, "reader waits: lock #");
  ASSERT_NE(writer, nullptr) << text_of(told);
  ASSERT_NE(reader, nullptr) << text_of(told);
  EXPECT_TRUE(holds(told.what, "held by writer")) << told.what;
  EXPECT_TRUE(holds(told.what, "waits for the read section of reader")) << told.what;
}

TEST(story, Locks_in_a_finding_have_the_names_of_the_story) {
  const story told = story_of(locks_both_ways);
  const std::size_t at = told.what.find('#');
  ASSERT_NE(at, std::string::npos) << told.what;
  const std::string name = told.what.substr(at, told.what.find_first_of(" +;", at) - at);
  EXPECT_NE(std::ranges::find(told.objects, name, &story::object::name), told.objects.end()) << told.what;
}

TEST(story, Lock_order_shows_where_each_lock_was_taken_under_the_other) {
  const story told = story_of(locks_both_ways);
  ASSERT_EQ(told.kind, finding_kind::lock_order) << told.what;
  if (!told.has_lines) GTEST_SKIP() << "addr2line is missing";
  for (const char* each : {"forward takes #", "backward takes #"}) {
    const story::stack* const taken = stack_titled(told, each);
    ASSERT_NE(taken, nullptr) << text_of(told);
    EXPECT_TRUE(has_frame_here(*taken)) << text_of(told);
  }
}

TEST(story, Race_shows_both_accesses) {
  const story told = story_of(races_on_plain_data);
  ASSERT_EQ(told.kind, finding_kind::data_race);
  EXPECT_GE(told.stacks.size(), 3U) << text_of(told);
  EXPECT_EQ(std::ranges::count(told.rows, story::row::kind::plain, &story::row::what_kind), 2)
      << text_of(told);
}

TEST(story, Leak_shows_where_it_was_allocated) {
  const story told = story_of(forgets_a_record);
  ASSERT_EQ(told.kind, finding_kind::leak);
  EXPECT_NE(stack_titled(told, "was allocated by one"), nullptr) << text_of(told);
}

TEST(story, Lines_are_cut_and_not_wrapped) {
  const story told = story_of(reads_freed_memory);
  for (const std::size_t width : {80U, 120U, 200U}) {
    const std::string text = to_text(told, {}, width);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      if (!line.starts_with("use after free:")) {
        EXPECT_LE(width_of(line), width) << line;
      }
      at = end + 1;
    }
  }
}

TEST(story, Cut_counts_characters) {
  EXPECT_EQ(cut("load → 5", 8), "load → 5");
  EXPECT_EQ(cut("load → 5", 7), "load →…");
  EXPECT_EQ(cut_front("a/b/c.cpp:7", 8), "…c.cpp:7");
  EXPECT_EQ(cut("a", 0), "");
  EXPECT_EQ(filled("→", 3), "→  ");
}

TEST(story, Functions_are_short) {
  EXPECT_EQ(short_function("void rcuvm::explore::(anonymous namespace)::f<(x::y)1, a<b> "
                           ">()::{lambda()#2}::operator()() const"),
            "f::{lambda#2}");
  EXPECT_EQ(short_function("rcuvm::tree::node* rcuvm::tree::find<8>(unsigned long, rcuvm::a const&)"),
            "tree::find");
  EXPECT_EQ(short_function("rcuvm::mm::plan::add(int) const::{lambda(int)#1}::operator()(int) const"),
            "mm::plan::add::{lambda#1}");
  EXPECT_EQ(short_function("int rcuvm::tree::run(int) [clone .isra.0] [clone .cold]"), "tree::run");
  EXPECT_EQ(short_function("main"), "main");
}

// --- the command line -----------------------------------------------------------------------------------------

struct outcome {
  int code = 0;
  std::string out;
  std::string error;
};

outcome ask(std::initializer_list<const char*> arguments) {
  std::vector<const char*> given{"rcuvm-explore"};
  given.insert(given.end(), arguments);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  outcome made;
  made.code = cli::run(static_cast<int>(given.size()), given.data());
  std::fflush(stdout);
  made.out = testing::internal::GetCapturedStdout();
  made.error = testing::internal::GetCapturedStderr();
  return made;
}

TEST(explore_cli, Help_says_what_is_not_seen) {
  const outcome got = ask({"--help"});
  EXPECT_EQ(got.code, cli::as_expected);
  for (const char* each : {"rcuvm explore", "Examples:", "weak memory", "Relacy", "liburcu", "spurious",
                           "arena", "compiler", "Exit status"}) {
    EXPECT_TRUE(holds(got.out, each)) << each;
  }
}

TEST(explore_cli, List_names_scenarios_claims_and_designs) {
  for (const outcome& got : {ask({}), ask({"--list"})}) {
    EXPECT_EQ(got.code, cli::as_expected);
    EXPECT_TRUE(holds(got.out, "grace-period  [M1]")) << got.out;
    EXPECT_TRUE(holds(got.out, "no-wait")) << got.out;
    EXPECT_TRUE(holds(got.out, "fails (use after free)")) << got.out;
  }
}

TEST(explore_cli, Failing_design_ends_with_its_story_and_its_replay) {
  const outcome got = ask({"grace-period", "--design", "no-wait"});
  EXPECT_EQ(got.code, cli::as_expected) << got.error;
  EXPECT_TRUE(holds(got.out, "replay: rcuvm explore grace-period --design no-wait --replay '")) << got.out;
  EXPECT_TRUE(holds(got.out, "FAILS (use after free); as expected")) << got.out;
}

TEST(explore_cli, Sound_design_holds_and_says_how_far) {
  EXPECT_TRUE(holds(ask({"grace-period", "--design", "wait"}).out,
                    "holds (exhaustive: all interleavings of this scenario)"));
  EXPECT_TRUE(holds(ask({"grace-period", "--design", "wait", "--bound", "1"}).out,
                    "holds (exhaustive: all interleavings up to 1 preemption)"));
  const outcome sampled =
      ask({"grace-period", "--design", "wait", "--search", "random", "--schedules", "10"});
  EXPECT_EQ(sampled.code, cli::as_expected);
  EXPECT_TRUE(holds(sampled.out, "nothing found (not exhaustive: 10 schedules)")) << sampled.out;
}

TEST(explore_cli, Not_as_expected_is_an_error) {
  const outcome got = ask({"grace-period", "--design", "section-left", "--bound", "0", "--schedules", "1"});
  EXPECT_EQ(got.code, cli::not_as_expected) << got.out;
  EXPECT_TRUE(holds(got.out, "NOT as expected: it should fail (use after free)")) << got.out;
}

TEST(explore_cli, Json_replays) {
  const outcome got = ask({"grace-period", "--design", "no-wait", "--json"});
  ASSERT_EQ(got.code, cli::as_expected);
  const auto read = nlohmann::json::parse(got.out);
  EXPECT_EQ(read["verdict"], "fails");
  EXPECT_EQ(read["finding"]["kind"], "use after free");
  EXPECT_FALSE(read["story"]["rows"].empty());
  const auto schedule = read["schedule"].get<std::string>();
  const outcome again = ask({"grace-period", "--design", "no-wait", "--json", "--replay", schedule.c_str()});
  EXPECT_EQ(again.code, cli::as_expected);
  EXPECT_EQ(nlohmann::json::parse(again.out)["finding"], read["finding"]);
}

TEST(explore_cli, Wrong_usage_names_what_there_is) {
  const auto refuses = [](std::initializer_list<const char*> arguments, std::string_view words) {
    const outcome got = ask(arguments);
    EXPECT_EQ(got.code, cli::bad_input) << words;
    EXPECT_TRUE(holds(got.error, words)) << got.error;
  };
  refuses({"nope"}, "there are: grace-period");
  refuses({"grace-period", "--design", "nope"}, "there are: wait, no-wait, section-left, all");
  refuses({"grace-period", "--mutation", "nope"}, "unknown mutation 'nope'; there are: ");
  refuses({"grace-period", "--search", "nope"}, "there are: bounded, reduced, random, pct");
  refuses({"grace-period", "--design", "wait", "--replay", "q"}, "'q' is no schedule");
  refuses({"grace-period", "--design", "wait", "--replay", "h4"},
          "no schedule of grace-period --design wait");
  refuses({"grace-period", "--replay", "b"}, "--replay needs one --design");
  refuses({"grace-period", "--seed", "1"}, "--seed belongs to");
  refuses({"--all", "grace-period"}, "take no scenario");
  refuses({"--design", "wait"}, "which scenario?");
  refuses({"--bogus"}, "--bogus");
}

}  // namespace
}  // namespace rcuvm::explore
