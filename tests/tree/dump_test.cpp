// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/dump.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>

#include "tests/tree/picture.hpp"

namespace rcuvm::tree::testing {
namespace {

/// Records' and nodes' addresses differ from run to run.
std::string without_addresses(const std::string& text) {
  return std::regex_replace(text, std::regex{R"(0x[0-9a-f]{6,12}\b)"}, "#");
}

template <class Dump>
std::string written(Dump dump) {
  std::ostringstream out;
  dump(out);
  return without_addresses(out.str());
}

TEST(dump, shows_levels_ranges_gaps_and_records) {
  drawn_tree tree{"AAB.CCC"};
  EXPECT_EQ(written([&](std::ostream& out) { tree.read().dump(out); }),
            "root: inner, 2 slots, 1 reference\n"
            "  [0] 0 - 0x3, largest gap 0: leaf, 2 slots, 1 reference\n"
            "    0 - 0x2 #\n"
            "    0x2 - 0x3 #\n"
            "  [1] 0x3 - 0xffffffffffffffff, largest gap 0xffffffffffffffff: leaf, 3 slots, 1 reference\n"
            "    0x3 - 0x4 gap\n"
            "    0x4 - 0x7 #\n"
            "    0x7 - 0xffffffffffffffff gap\n");
}

TEST(dump, of_an_empty_tree_says_so) {
  drawn_tree tree;
  EXPECT_EQ(written([&](std::ostream& out) { tree.read().dump(out); }), "root: empty\n");
}

TEST(dump, shows_what_is_building_and_what_is_shared) {
  drawn_tree tree{"A"};
  const sync::write_section writing{tree.lock()};
  const auto kept = tree.tree().take_snapshot(writing);
  EXPECT_EQ(written([&](std::ostream& out) { tree.tree().dump(writing, out); }).substr(0, 36),
            "root: leaf, 2 slots, 2 references\n  ");
  auto change = tree.tree().begin(writing);
  ASSERT_TRUE(apply(change, "B"));
  EXPECT_EQ(written([&](std::ostream& out) { change.read().dump(out); }).substr(0, 30),
            "root: leaf, 2 slots, building\n");
}

TEST(dump, leaves_the_streams_format_alone) {
  drawn_tree tree{"A"};
  std::ostringstream out;
  tree.read().dump(out);
  out.str("");
  out << 255;
  EXPECT_EQ(out.str(), "255");
}

TEST(dump_graphviz, draws_a_node_for_each_and_an_edge_for_each_child) {
  drawn_tree tree{"AAB.CCC"};
  const std::string drawing = written([&](std::ostream& out) { tree.read().dump_graphviz(out); });
  EXPECT_EQ(drawing.substr(0, 21), "digraph maple_tree {\n");
  EXPECT_NE(drawing.find("inner, 2 slots"), std::string::npos);
  EXPECT_NE(drawing.find("<s0> 0x3\\n0x4\\ngap"), std::string::npos);
  EXPECT_NE(drawing.find(":s1 -> "), std::string::npos);
  EXPECT_EQ(drawing.find(":s2 -> "), std::string::npos);
  EXPECT_EQ(drawing.substr(drawing.size() - 2), "}\n");
}

}  // namespace
}  // namespace rcuvm::tree::testing
