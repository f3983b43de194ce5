// SPDX-License-Identifier: Apache-2.0

/// Damaged recordings: an error or a trace that makes sense, never a crash (the asan-ubsan preset watches).

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "bench/recording/line_reader.hpp"
#include "bench/recording/recording.hpp"
#include "tests/bench/recording_testing.hpp"

namespace rcuvm::recording {
namespace {

constexpr int rounds = 500;
/// A process whose threads have two spaces, one of which ends: a later thread was put into that one.
constexpr std::uint64_t once_found_something = 61;

class recording_fuzz : public testing::Test {
 protected:
  recording_fuzz() {
    const char* const wanted = std::getenv("RCUVM_SEED");
    seed_ = wanted != nullptr ? std::strtoull(wanted, nullptr, 0) : once_found_something;
    random_.seed(seed_);
  }

  /// The first lines of a bundled recording, unpacked: exec, fork, files, faults, samples.
  static std::string text_of(std::string_view file, std::size_t lines) {
    auto reader = line_reader::open(source_folder() / "data/recordings" / file);
    std::string text;
    for (std::size_t at = 0; at < lines; ++at) {
      const auto next = reader->next();
      if (!next || !*next) break;
      text += **next;
      text += '\n';
    }
    return text;
  }

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  /// One to eight damages of the kinds that happen: a bit, a byte, a lost or doubled stretch, a number of digits.
  void damage(std::string& bytes) {
    for (std::size_t left = 1 + below(8); left > 0 && !bytes.empty(); --left) {
      const std::size_t at = below(bytes.size());
      const std::size_t length = std::min(below(40), bytes.size() - at);
      switch (below(6)) {
        case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
        case 1: bytes[at] = static_cast<char>(random_() % 256); break;
        case 2: bytes.erase(at, length); break;
        case 3: bytes.insert(at, bytes.substr(at, length)); break;
        case 4: bytes.insert(at, length, "0123456789abcdef\n/[]:- "[below(23)]); break;
        default: bytes[at] = "0123456789abcdef"[below(16)]; break;
      }
    }
  }

  /// Either an error that names file and reason, or a consistent trace.
  void expect_sense(const scratch_recording& scratch, garbled_lines garbled) {
    const auto run = scratch.read_all(garbled);
    if (run) {
      ++read_;
      expect_consistent(*run);
    } else {
      ++refused_;
      EXPECT_FALSE(run.error().file.empty());
      EXPECT_FALSE(run.error().reason.empty());
    }
  }

  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  int read_ = 0;
  int refused_ = 0;
};

TEST_F(recording_fuzz, damaged_lines) {
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed_));
  const std::string whole = text_of("nginx_wrk.perf.xz", 500);
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    scratch_recording scratch;
    std::string bytes = whole;
    damage(bytes);
    scratch.write(".perf", bytes);
    expect_sense(scratch, round % 2 == 0 ? garbled_lines::are_an_error : garbled_lines::are_counted);
  }
  EXPECT_GT(read_, 0);
  EXPECT_GT(refused_, 0);
}

TEST_F(recording_fuzz, shuffled_lines) {
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed_));
  const std::string whole = text_of("nginx_wrk.perf.xz", 6'795);
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = whole.find('\n', at) + 1;
    lines.push_back(std::string_view{whole}.substr(at, end - at));
    at = end;
  }
  // Any lines in the order of time: processes without beginning, calls without end, execs out of nothing.
  for (int round = 0; round < rounds / 5 && !HasFailure(); ++round) {
    scratch_recording scratch;
    std::string bytes;
    const std::size_t one_of = 2 + below(20);
    for (const std::string_view line : lines) {
      if (below(one_of) == 0) bytes += line;
    }
    scratch.write(".perf", bytes);
    expect_sense(scratch, garbled_lines::are_an_error);
  }
  EXPECT_EQ(refused_, 0) << "every line is as it was recorded";
}

TEST_F(recording_fuzz, damaged_maps_and_segments) {
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed_));
  const std::string events = text_of("sqlite_mmap.perf.xz", 100);
  const std::string maps = text_of("sqlite_mmap.maps.xz", 200);
  const std::string segments = text_of("sqlite_mmap.elf", 200);
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    scratch_recording scratch;
    std::string bytes = round % 2 == 0 ? maps : segments;
    damage(bytes);
    scratch.write(".perf", events).write(round % 2 == 0 ? ".maps" : ".elf", bytes);
    expect_sense(scratch, garbled_lines::are_an_error);
  }
}

TEST_F(recording_fuzz, damaged_xz) {
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed_));
  const std::string packed = pack(text_of("nginx_wrk.perf.xz", 500));
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    scratch_recording scratch;
    std::string bytes = packed;
    damage(bytes);
    scratch.write(".perf.xz", bytes);
    expect_sense(scratch, garbled_lines::are_an_error);
  }
  EXPECT_GT(refused_, rounds / 2) << "xz has checksums";
}

TEST_F(recording_fuzz, a_recording_cut_off_anywhere_is_an_error) {
  SCOPED_TRACE("RCUVM_SEED=" + std::to_string(seed_));
  for (const char* const suffix : {".perf.xz", ".maps.xz"}) {
    const std::string events = bytes_of(source_folder() / "data/recordings/sqlite_mmap.perf.xz");
    const std::string packed =
        bytes_of(source_folder() / ("data/recordings/sqlite_mmap" + std::string{suffix}));
    for (int round = 0; round < 40; ++round) {
      scratch_recording scratch;
      scratch.write(".perf.xz", events)
          .write(suffix, std::string_view{packed}.substr(0, below(packed.size())));
      const auto run = scratch.read_all();
      ASSERT_FALSE(run);
      EXPECT_NE(run.error().reason.find("cut off"), std::string::npos) << run.error().to_text();
      EXPECT_GT(run.error().line, 0u);
      EXPECT_NE(run.error().file.find(suffix), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace rcuvm::recording
