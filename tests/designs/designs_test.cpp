// SPDX-License-Identifier: Apache-2.0

/// The list of designs: by type and by name.

#include "rcuvm/designs/designs.hpp"

#include <gtest/gtest.h>

#include <set>

namespace rcuvm::designs {
namespace {

TEST(designs, are_listed_once_with_the_baseline_first) {
  const std::vector<std::string> all_names = names();
  ASSERT_EQ(all_names.size(), std::tuple_size_v<all>);
  EXPECT_EQ(all_names.front(), "mmap-lock");
  EXPECT_EQ(std::set(all_names.begin(), all_names.end()).size(), all_names.size());
}

TEST(designs, are_found_by_name) {
  for (const std::string& wanted : names()) {
    std::string got;
    EXPECT_TRUE(with_named(wanted, [&]<class Design> { got = Design::name; }));
    EXPECT_EQ(got, wanted);
  }
  bool is_called = false;
  EXPECT_FALSE(with_named("mmap_lock", [&]<class Design> { is_called = true; }));
  EXPECT_FALSE(with_named("", [&]<class Design> { is_called = true; }));
  EXPECT_FALSE(is_called);
}

TEST(designs, say_what_they_are) {
  for_each([]<class Design> { EXPECT_GT(Design::summary.size(), 20U) << Design::name; });
}

}  // namespace
}  // namespace rcuvm::designs
