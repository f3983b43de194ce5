// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/diff.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proc_maps/format.hpp"

namespace rcuvm::proc_maps {
namespace {

/// One entry per letter, a page each; a capital letter may write, a dot is a gap.
std::vector<entry> maps_of(std::string_view picture) {
  std::vector<entry> made;
  for (std::size_t at = 0; at < picture.size(); ++at) {
    const char letter = picture[at];
    if (letter == '.') continue;
    entry one;
    one.where = {0x1000 * (at + 1), 0x1000 * (at + 2)};
    one.allowed = permission::read;
    if (letter >= 'A' && letter <= 'Z') one.allowed = one.allowed.with(permission::write);
    one.name = std::string(1, static_cast<char>(letter | 0x20));
    made.push_back(one);
  }
  return made;
}

/// The marks and names of the difference, one after the other: " a-b+b".
std::string story(std::string_view expected, std::string_view actual, diff_limits limits = {}) {
  const std::string text = diff(maps_of(expected), maps_of(actual), limits);
  std::string told;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string_view line = std::string_view{text}.substr(at, end - at);
    told += line.starts_with("...") || line.starts_with("and ") ? std::string{line}
                                                                : std::string{line.front(), line.back()};
    at = end + 1;
  }
  return told;
}

TEST(diff, equal_maps_give_nothing) {
  EXPECT_EQ(story("abc", "abc"), "");
  EXPECT_EQ(story("", ""), "");
}

TEST(diff, missing_and_surplus_lines_with_their_neighbours) {
  EXPECT_EQ(story("abcdef", "ab.def"), " b-c d");
  EXPECT_EQ(story("ab.def", "abcdef"), " b+c d");
  EXPECT_EQ(story("a", ""), "-a");
  EXPECT_EQ(story("", "a"), "+a");
}

TEST(diff, a_changed_line_is_shown_as_it_should_be_and_as_it_is) {
  EXPECT_EQ(story("abc", "aBc"), " a-b+b c");
}

TEST(diff, equal_stretches_are_left_out) {
  EXPECT_EQ(story("abcdefgh", ".bcdefg."), "-a b... g-h");
  EXPECT_EQ(story("abcdefgh", ".bcdefg.", {.context = 0, .lines = 200}), "-a...-h");
}

TEST(diff, long_differences_are_cut_and_counted) {
  EXPECT_EQ(story("abcdef", "......", {.context = 1, .lines = 4}), "-a-b-c-dand 2 more differing lines");
}

TEST(diff, lines_are_the_kernels) {
  const std::string text = diff(maps_of("a"), maps_of("A"));
  EXPECT_EQ(text, "-" + format_line(maps_of("a")[0]) + "\n+" + format_line(maps_of("A")[0]) + "\n");
}

}  // namespace
}  // namespace rcuvm::proc_maps
