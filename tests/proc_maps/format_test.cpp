// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/format.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "proc_maps/parse.hpp"

namespace rcuvm::proc_maps {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// maps texts as the kernel gave them: those beside this test, and the shared snapshots when they are there (the
/// packed ones come back in tests/bench/recording_line_reader_test.cpp).
std::vector<fs::path> kernel_texts() {
  const fs::path source{RCUVM_SOURCE_DIR};
  std::vector<fs::path> found;
  for (const auto& one : fs::directory_iterator{source / "tests/proc_maps/samples"})
    found.push_back(one.path());
  std::error_code none;
  for (const auto& snapshot : fs::directory_iterator{source.parent_path() / "shared/traces/snaps", none}) {
    for (const auto& one : fs::directory_iterator{snapshot}) {
      const std::string name = one.path().filename().string();
      if (name == "maps.1" || name == "maps.2") found.push_back(one.path());
    }
  }
  std::ranges::sort(found);
  return found;
}

TEST(format, gives_back_every_byte_of_the_kernels_text) {
  const auto texts = kernel_texts();
  ASSERT_GE(texts.size(), 4u);
  for (const fs::path& path : texts) {
    const std::string text = bytes_of(path);
    ASSERT_FALSE(text.empty()) << path;
    const auto entries = parse(text);
    ASSERT_TRUE(entries) << path << ": " << entries.error().to_text();
    EXPECT_EQ(format(*entries).size(), text.size()) << path;
    EXPECT_TRUE(format(*entries) == text) << path;
  }
}

TEST(format, the_name_stands_at_column_73) {
  const entry one{.where = {0x7f086c28f000, 0x7f086c29e000},
                  .allowed = {permission::read, permission::shared},
                  .offset = 0,
                  .device_major = 0xfe,
                  .device_minor = 0,
                  .inode = 333461,
                  .name = "/lib"};
  EXPECT_EQ(format_line(one),
            "7f086c28f000-7f086c29e000 r--s 00000000 fe:00 333461                     /lib");
  EXPECT_EQ(format_line(one).find('/'), 73u);
}

TEST(format, no_name_leaves_one_space) {
  const entry one{.where = {0x1000, 0x2000},
                  .allowed = {},
                  .offset = 0,
                  .device_major = 0,
                  .device_minor = 0,
                  .inode = 0,
                  .name = ""};
  EXPECT_EQ(format_line(one), "00001000-00002000 ---p 00000000 00:00 0 ");
}

// Kernel: seq_pad() writes the one byte of padding even when the fields are too long already.
TEST(format, fields_past_column_73_are_followed_by_two_spaces) {
  const entry one{.where = {0xffffffffff600000, 0xffffffffff601000},
                  .allowed = {},
                  .offset = 0x7fffffff000,
                  .device_major = 0,
                  .device_minor = 0x170,
                  .inode = 9223372036854775811u,
                  .name = " x"};
  const std::string line = format_line(one);
  EXPECT_TRUE(line.ends_with(" 9223372036854775811   x")) << line;
  EXPECT_EQ(*parse_line(line), one);
}

TEST(format, a_newline_is_escaped_and_nothing_else) {
  const entry one{.where = {0x1000, 0x2000},
                  .allowed = {},
                  .offset = 0,
                  .device_major = 0,
                  .device_minor = 1,
                  .inode = 7,
                  .name = "/a\nb\tc\\d\r"};
  EXPECT_TRUE(format_line(one).ends_with("/a\\012b\tc\\d\r"));
}

// Any entry survives, but for a name with a literal \012 or one that is only padding.
TEST(format, random_entries_come_back) {
  const char* const wanted = std::getenv("RCUVM_SEED");
  const std::uint64_t seed = wanted != nullptr ? std::strtoull(wanted, nullptr, 0) : std::random_device{}();
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (int round = 0; round < 20'000; ++round) {
    entry one;
    const unsigned shift = static_cast<unsigned>(random() % 52);
    one.where.start = random() >> shift << 12 >> 12;
    one.where.end = one.where.start + 1 + (random() >> (12 + shift));
    if (one.where.is_empty()) continue;
    one.allowed = permissions::from_bits(static_cast<std::uint8_t>(random() & 15));
    one.offset = random() >> (random() % 64);
    one.device_major = static_cast<std::uint32_t>(random() % 4096);
    one.device_minor = static_cast<std::uint32_t>(random() % (1u << 20));
    one.inode = random() >> (random() % 64);
    const std::size_t length = random() % 40;
    for (std::size_t at = 0; at < length; ++at) one.name += static_cast<char>(1 + random() % 255);
    if (one.name.find("\\012") != std::string::npos) continue;
    const auto back = parse_line(format_line(one));
    ASSERT_TRUE(back) << format_line(one) << ": " << back.error().to_text();
    ASSERT_EQ(*back, one) << format_line(one);
  }
}

}  // namespace
}  // namespace rcuvm::proc_maps
