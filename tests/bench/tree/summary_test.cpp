// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/summary.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/tree/targets.hpp"

namespace rcuvm::tree_bench {
namespace {

using nlohmann::json;

/// What Google Benchmark writes of one repetition.
json run_of(const std::string& name, double ns) {
  return {{"name", name}, {"run_name", name}, {"run_type", "iteration"}, {"cpu_time", 1.0}, {"ns", ns}};
}

figures figures_of(json runs) {
  figures made;
  const json file{{"context", {{"rcu", "memb 0.13.2"}, {"num_cpus", 2}}}, {"benchmarks", std::move(runs)}};
  const auto read = made.parse(file.dump());
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error());
  return made;
}

const comparison& row_of(const std::vector<comparison>& rows, const std::string& name) {
  const auto found =
      std::ranges::find_if(rows, [&](const comparison& one) { return one.of.to_text() == name; });
  EXPECT_NE(found, rows.end()) << name;
  return *found;
}

TEST(tree_summary, A_ratio_is_that_of_the_medians_of_the_repetitions) {
  json median = run_of("find_each/uniform/1000/rcuvm", 77);
  median["run_type"] = "aggregate";
  const figures from =
      figures_of({run_of("find_each/uniform/1000/rcuvm", 10), run_of("find_each/uniform/1000/kernel", 80),
                  run_of("find_each/uniform/1000/rcuvm", 8), run_of("find_each/uniform/1000/rcuvm", 30),
                  run_of("find_each/uniform/1000/std_map", 5), median});
  const auto rows = compare(from);
  const comparison& row = row_of(rows, "find_each/uniform/1000");
  EXPECT_DOUBLE_EQ(row.ours, 10);
  EXPECT_DOUBLE_EQ(row.ratios.at("kernel"), 0.125);
  EXPECT_DOUBLE_EQ(row.ratios.at("std_map"), 2);
}

TEST(tree_summary, What_google_benchmark_appends_to_a_name_is_no_part_of_it) {
  const figures from = figures_of(
      {run_of("replace/1000/rcuvm/process_time", 300), run_of("replace/1000/kernel/process_time", 600),
       run_of("bytes/40/rcuvm/iterations:1/repeats:1", 3), run_of("read_section/memb", 0.6)});
  EXPECT_DOUBLE_EQ(from.median({"replace", "", "1000"}, "rcuvm", "ns").value(), 300);
  EXPECT_DOUBLE_EQ(from.median({"replace", "", "1000"}, "kernel", "ns").value(), 600);
  EXPECT_DOUBLE_EQ(from.median({"bytes", "", "40"}, "rcuvm", "ns").value(), 3);
  EXPECT_DOUBLE_EQ(from.median({"read_section", "", "memb"}, "rcuvm", "ns").value(), 0.6);
  EXPECT_EQ(from.context().at("rcu"), "memb 0.13.2");
}

TEST(tree_summary, Real_maps_are_one_row_of_geometric_means) {
  const figures from = figures_of({run_of("walk/maps:a/rcuvm", 2), run_of("walk/maps:a/kernel", 4),
                                   run_of("walk/maps:b/rcuvm", 8), run_of("walk/maps:b/kernel", 64),
                                   run_of("walk/40/rcuvm", 1)});
  const auto rows = compare(from);
  ASSERT_EQ(rows.size(), 2U);
  const comparison& maps = row_of(rows, "walk/maps (2)");
  EXPECT_DOUBLE_EQ(maps.ours, 4);
  EXPECT_DOUBLE_EQ(maps.ratios.at("kernel"), 0.25);
}

TEST(tree_summary, A_target_is_met_at_its_limit_and_not_above) {
  const figures from = figures_of({run_of("replace/1000/rcuvm", 300), run_of("replace/1000/kernel", 600),
                                   run_of("replace/30000/rcuvm", 301), run_of("replace/30000/kernel", 600),
                                   run_of("transaction/1000/rcuvm", 60), run_of("walk/30000/rcuvm", 3.5)});
  std::map<std::string, judgement> judged;
  for (const judgement& one : judge(from)) {
    if (one.value) judged[one.of->to_text()] = one;
  }
  ASSERT_EQ(judged.size(), 4U);
  EXPECT_TRUE(judged.at("replace/1000 / kernel").is_met());
  EXPECT_FALSE(judged.at("replace/30000 / kernel").is_met());
  EXPECT_DOUBLE_EQ(judged.at("transaction/1000 / replace").value.value(), 0.2);
  EXPECT_FALSE(judged.at("walk/30000, ns").is_met());
  const std::string text = summary_text(from);
  EXPECT_NE(text.find("2 of 4 targets met"), std::string::npos) << text;
}

TEST(tree_summary, The_json_has_figures_ratios_and_targets) {
  const json made =
      to_json(figures_of({run_of("replace/1000/rcuvm", 300), run_of("replace/1000/kernel", 600)}));
  EXPECT_EQ(made.at("figures").size(), 2U);
  EXPECT_DOUBLE_EQ(made.at("ratios").at(0).at("rcuvm_to_rival").at("kernel").get<double>(), 0.5);
  EXPECT_EQ(made.at("targets").size(), targets().size());
  const auto met =
      std::ranges::count_if(made.at("targets"), [](const json& one) { return one.value("is_met", false); });
  EXPECT_EQ(met, 1);
}

TEST(tree_summary, Another_programs_json_is_refused) {
  figures from;
  EXPECT_FALSE(from.parse("{}").has_value());
  EXPECT_FALSE(from.parse("no json").has_value());
  EXPECT_FALSE(
      from.parse(json{{"context", json::object()}, {"benchmarks", {run_of("one", 1)}}}.dump()).has_value());
}

}  // namespace
}  // namespace rcuvm::tree_bench
