// SPDX-License-Identifier: Apache-2.0
#include "bench/report/write.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "bench/report/gnuplot.hpp"
#include "bench/report/plots.hpp"
#include "tests/bench/report_example.hpp"

namespace rcuvm::report {
namespace {

namespace fs = std::filesystem;

class report_folder : public testing::Test {
 protected:
  void SetUp() override {
    base_ = fs::temp_directory_path() / ("rcuvm_report_test_" + std::to_string(::getpid()));
    fs::remove_all(base_);
    fs::create_directories(base_);
  }
  void TearDown() override { fs::remove_all(base_); }

  static std::string text_of(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  /// Everything that lies in the folder above the report.
  [[nodiscard]] std::size_t count_entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{base_}, fs::directory_iterator{}));
  }
  static campaign_result example() {
    campaign_result made{.data = example_with_runs(), .shapes = {}};
    for (const char* recording : {"one", "two"}) {
      for (const char* design : {"base", "other"}) {
        for (replay::walker mode : replay::walkers) {
          replay::distributions& shape = made.shapes[{recording, design, mode}];
          for (std::uint64_t value = 50; value < 5000; value += 7) shape.faults.add(value);
          for (std::uint64_t value = 500; value < 90'000; value += 77) shape.writers.add(value);
        }
      }
    }
    return made;
  }

  fs::path base_;
};

TEST_F(report_folder, A_report_is_a_page_a_result_and_the_data_of_the_plots) {
  const fs::path folder = base_ / "deep" / "report";
  EXPECT_EQ(obstacle_to_writing(folder), std::nullopt);
  write_report(example(), folder);
  EXPECT_TRUE(from_json(text_of(folder / "result.json")).has_value());
  const std::string page = text_of(folder / "index.html");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(fs::exists(folder / "data" / "summary.tsv"));
  EXPECT_TRUE(fs::exists(folder / "data" / "trade.gp"));
  EXPECT_TRUE(fs::exists(folder / "data" / "01_one.tsv"));
  if (page.find("gnuplot is not installed") != std::string::npos) GTEST_SKIP() << "no gnuplot here";
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_TRUE(text_of(folder / "data" / "02_two.svg").ends_with("</svg>\n\n"));
}

TEST_F(report_folder, An_older_report_is_replaced_and_nothing_is_left_beside_it) {
  const fs::path folder = base_ / "report";
  write_report(example(), folder);
  std::ofstream{folder / "old.txt"} << "x";
  write_report(example(), folder);
  EXPECT_FALSE(fs::exists(folder / "old.txt"));
  EXPECT_TRUE(fs::exists(folder / "index.html"));
  EXPECT_EQ(count_entries(), 1U);
}

TEST_F(report_folder, A_folder_that_is_no_report_is_left_alone) {
  const fs::path folder = base_ / "precious";
  fs::create_directories(folder);
  std::ofstream{folder / "thesis.tex"} << "x";
  EXPECT_NE(obstacle_to_writing(folder), std::nullopt);
  EXPECT_THROW(write_report(example(), folder), fs::filesystem_error);
  EXPECT_TRUE(fs::exists(folder / "thesis.tex"));
  EXPECT_EQ(count_entries(), 1U);
}

TEST_F(report_folder, A_place_that_cannot_be_made_is_refused_beforehand) {
  std::ofstream{base_ / "file"} << "x";
  EXPECT_NE(obstacle_to_writing(base_ / "file" / "report"), std::nullopt);
}

TEST_F(report_folder, File_names_hold_nothing_that_a_shell_or_gnuplot_would_take_for_more) {
  EXPECT_EQ(file_name_of(3, "a b/../'$(x)"), "03_a_b_______x_");
  EXPECT_EQ(gnuplot_text("it's\n"), "'it s '");
}

}  // namespace
}  // namespace rcuvm::report
