// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/smaps.hpp"

#include <gtest/gtest.h>

#include "rcuvm/vm/vma.hpp"

namespace rcuvm::diff_kernel {
namespace {

TEST(smaps, Is_told_in_a_line_for_each_mapping_of_the_arena) {
  constexpr std::string_view text =
      "0ffff000-10000000 rw-p 00000000 00:00 0 \n"
      "Rss:                   4 kB\n"
      "VmFlags: rd wr mr mw me ac \n"
      "10000000-10004000 rw-p 00000000 00:00 0 \n"
      "Size:                 16 kB\n"
      "Rss:                  12 kB\n"
      "Pss:                  10 kB\n"
      "Anonymous:             8 kB\n"
      "AnonHugePages:         0 kB\n"
      "Locked:               10 kB\n"
      "VmFlags: rd wr mr mw me lo ac \n"
      "10005000-10006000 ---s 00001000 00:01 7                          /memfd:x (deleted)\n"
      "Rss:                   0 kB\n"
      "Anonymous:             0 kB\n"
      "Locked:                0 kB\n"
      "VmFlags: sh mr mw me ms \n";
  EXPECT_EQ(lines_of_smaps(text, {0x1000'0000, 0x1001'0000}),
            "10000000-10004000 rd wr lo ac, 2 anonymous, 3 resident, 10 kB locked\n"
            "10005000-10006000 sh, 0 anonymous, 0 resident, 0 kB locked\n");
  using enum vm::vma_flag;
  EXPECT_EQ(smaps_line({0x1000'0000, 0x1000'4000}, {read, write, locked, accounted},
                       {.resident = 3, .anonymous = 2, .locked = 10}) +
                smaps_line({0x1000'5000, 0x1000'6000}, shared, {}),
            lines_of_smaps(text, {0x1000'0000, 0x1001'0000}));
}

}  // namespace
}  // namespace rcuvm::diff_kernel
