// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/report/result.hpp"
#include "tests/bench/report_example.hpp"

namespace rcuvm::report {
namespace {

TEST(json, A_result_comes_back_as_it_was) {
  result from = example_with_runs();
  from.notes = {"a note"};
  from.recordings[0].skipped = {{"why", 3}};
  from.machine.load_before = {0.5, 1, 2};
  const std::string text = to_json(from);
  const auto back = from_json(text);
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->machine, from.machine);
  EXPECT_EQ(back->notes, from.notes);
  EXPECT_EQ(back->how.designs, from.how.designs);
  EXPECT_EQ(back->how.summaries, from.how.summaries);
  EXPECT_EQ(back->recordings.size(), 2U);
  EXPECT_EQ(back->recordings[0].skipped, from.recordings[0].skipped);
  EXPECT_EQ(back->runs.size(), from.runs.size());
  EXPECT_EQ(to_json(*back), text);
}

TEST(json, The_file_names_its_schema_and_holds_the_medians_without_the_warm_up) {
  const auto read = nlohmann::json::parse(to_json(example_with_runs()));
  EXPECT_EQ(read.at("schema"), "rcuvm-result");
  EXPECT_EQ(read.at("schema_version"), schema_version);
  bool is_found = false;
  for (const auto& one : read.at("medians")) {
    if (one.at("recording") != "one" || one.at("design") != "base" || one.at("walker") != "none") continue;
    is_found = true;
    EXPECT_EQ(one.at("figures").at("fault.p99_ns").at("median"), 102);
    EXPECT_EQ(one.at("figures").at("fault.p99_ns").at("max"), 104);
    EXPECT_EQ(one.at("figures").at("fault.p99_ns").at("count"), 3);
  }
  EXPECT_TRUE(is_found);
  EXPECT_TRUE(read.at("runs").at(0).at("is_warm_up"));
}

TEST(json, Names_that_are_no_text_do_not_break_the_file) {
  result from = example_result();
  from.recordings[0].command = "a\xff\"\n";
  const auto back = from_json(to_json(from));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->recordings[0].command, "a\xef\xbf\xbd\"\n");
}

TEST(json, What_is_no_result_file_is_refused_with_a_reason) {
  EXPECT_FALSE(from_json("").has_value());
  EXPECT_FALSE(from_json("[1]").has_value());
  EXPECT_FALSE(from_json(R"({"schema": "other"})").has_value());
  auto newer = nlohmann::json::parse(to_json(example_result()));
  newer["schema_version"] = schema_version + 1;
  const auto refused = from_json(newer.dump());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("version"), std::string::npos);
  newer["schema_version"] = schema_version;
  newer.erase("machine");
  EXPECT_FALSE(from_json(newer.dump()).has_value());
}

}  // namespace
}  // namespace rcuvm::report
