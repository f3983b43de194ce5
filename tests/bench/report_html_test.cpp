// SPDX-License-Identifier: Apache-2.0
#include "bench/report/html.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/bench/report_example.hpp"

namespace rcuvm::report {
namespace {

/// Why a page's tags do not close each other; empty when they do.
std::string imbalance(std::string_view page) {
  static const std::set<std::string, std::less<>> without_end{"meta", "br", "hr", "img", "link", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string_view::npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    if (end == std::string_view::npos) return "a tag without end";
    const std::string_view tag = page.substr(at + 1, end - at - 1);
    const bool is_end = tag.starts_with('/');
    const std::string name{tag.substr(is_end ? 1 : 0, tag.find_first_of(" \n/", 1) - (is_end ? 1 : 0))};
    if (without_end.contains(name) || tag.ends_with('/')) continue;
    if (!is_end) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + "> closes <" + (open.empty() ? "nothing" : open.back()) + ">";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

campaign_result example() { return {.data = example_with_runs(), .shapes = {}}; }

TEST(html, The_checker_of_this_test_sees_a_missing_end) {
  EXPECT_EQ(imbalance("<p><b>x</b></p><br><i/>"), "");
  EXPECT_NE(imbalance("<p><b>x</p></b>"), "");
  EXPECT_NE(imbalance("<p>"), "");
}

TEST(html, Every_tag_is_closed) {
  plot_set plots{.problem = "", .trade = "<svg><g><path d=\"M0\"/></g></svg>", .tails = {"<svg></svg>", ""}};
  EXPECT_EQ(imbalance(to_html(example(), plots)), "");
  EXPECT_EQ(imbalance(to_html(example(), {})), "");
}

TEST(html, The_page_needs_neither_script_nor_network) {
  const std::string page = to_html(example(), {});
  for (const char* foreign : {"<script", "http:", "https:", "@import", "url(", "<link", "<img", "onclick"}) {
    EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
  }
}

TEST(html, Other_peoples_names_cannot_become_tags) {
  const std::string evil = "<script>alert('\"&\")</script>";
  campaign_result from = example();
  from.data.recordings[0].name = evil;
  for (replay::run& run : from.data.runs) {
    if (run.recording == "one") run.recording = evil;
  }
  from.data.recordings[0].program = evil;
  from.data.recordings[0].command = evil;
  from.data.recordings[0].skipped = {{evil, 1}};
  from.data.how.designs[1] = evil;
  from.data.machine.cpu = evil;
  from.data.machine.flags = evil;
  from.data.notes = {evil};
  const std::string page = to_html(from, {});
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("alert('"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(imbalance(page), "");
}

TEST(html, Escaping_leaves_text_and_replaces_what_is_none) {
  EXPECT_EQ(escape_html("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escape_html("1 µs – ok"), "1 µs – ok");
  EXPECT_EQ(escape_html("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(escape_html("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") << "half a surrogate pair";
  EXPECT_EQ(escape_html("\x1b[1m"), "\xef\xbf\xbd[1m");
  EXPECT_EQ(escape_html(std::string_view{"\0", 1}), "\xef\xbf\xbd");
}

TEST(html, Missing_plots_are_said_to_be_missing) {
  EXPECT_NE(to_html(example(), {.problem = "no plots & more", .trade = "", .tails = {}})
                .find("no plots &amp; more"),
            std::string::npos);
}

}  // namespace
}  // namespace rcuvm::report
