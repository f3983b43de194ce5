// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the tests of bench/recording share: recordings to read, recordings written for one test, and what must hold
/// of every trace that was read.

#include <gtest/gtest.h>
#include <lzma.h>
#include <unistd.h>

#include <algorithm>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/recording/recording.hpp"

namespace rcuvm::recording {

inline std::filesystem::path source_folder() { return RCUVM_SOURCE_DIR; }
inline std::filesystem::path shared_traces() { return source_folder().parent_path() / "shared/traces"; }

/// The bundled recordings, and those of the shared set that are not bundled, when it is there.
inline std::vector<location> recordings_to_test() {
  std::vector<location> all = list(source_folder() / "data/recordings");
  for (location& one : list(shared_traces() / "perf")) {
    const auto has_its_name = [&](const location& other) { return other.name == one.name; };
    if (std::ranges::find_if(all, has_its_name) == all.end()) all.push_back(std::move(one));
  }
  return all;
}

inline std::string name_of_recording(const testing::TestParamInfo<location>& info) { return info.param.name; }

inline std::ostream& operator<<(std::ostream& out, const location& one) { return out << one.name; }

inline std::span<const notice> slice_of(const trace& from, table_slice part) {
  return std::span{from.notices}.subspan(part.first, part.count);
}

/// A recording made of text, in a folder that goes away with it.
class scratch_recording {
 public:
  scratch_recording() {
    static int made = 0;
    folder_ = std::filesystem::path{testing::TempDir()} /
              ("rcuvm_recording_" + std::to_string(getpid()) + "_" + std::to_string(made++));
    std::filesystem::create_directories(folder_);
  }
  ~scratch_recording() { std::filesystem::remove_all(folder_); }
  scratch_recording(const scratch_recording&) = delete;
  scratch_recording& operator=(const scratch_recording&) = delete;

  /// Writes "scratch" + suffix: ".perf", ".maps", ".elf", ".meta", ".perf.xz".
  scratch_recording& write(std::string_view suffix, std::string_view bytes) {
    std::ofstream{path(suffix), std::ios::binary} << bytes;
    return *this;
  }
  std::filesystem::path path(std::string_view suffix) const {
    return folder_ / ("scratch" + std::string{suffix});
  }

  std::expected<trace, read_error> read_all(garbled_lines garbled = garbled_lines::are_an_error) const {
    const auto where = locate((folder_ / "scratch").string());
    if (!where) return std::unexpected{where.error()};
    return read(*where, garbled);
  }

 private:
  std::filesystem::path folder_;
};

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// The text as an .xz file.
inline std::string pack(std::string_view text) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t size = 0;
  const lzma_ret done = lzma_easy_buffer_encode(
      0, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
      reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
  EXPECT_EQ(done, LZMA_OK);
  packed.resize(size);
  return packed;
}

/// Whatever was read, and from whatever bytes: ids point into their tables, times rise, lives begin and end once.
inline void expect_consistent(const trace& run) {
  std::uint64_t last_ns = 0;
  const auto is_slice = [&](table_slice part) {
    return std::uint64_t{part.first} + part.count <= run.notices.size();
  };
  for (std::size_t at = 0; at < run.events.size(); ++at) {
    const event& one = run.events[at];
    ASSERT_LE(last_ns, one.time_ns) << "event " << at;
    last_ns = one.time_ns;
    ASSERT_LT(one.space, run.spaces.size()) << "event " << at;
    ASSERT_LT(one.task, run.tasks.size()) << "event " << at;
    ASSERT_LE(run.spaces[one.space].first_event, at) << "a space is used after it begins";
    ASSERT_GE(run.spaces[one.space].end_event, at) << "and before it ends";
    if (!std::holds_alternative<space_end>(one.what)) {
      ASSERT_GE(run.tasks[one.task].end_event, at) << "a task does nothing after its end";
    }
    if (const call* const made = call_of(one)) {
      ASSERT_TRUE(is_slice(made->notices));
      ASSERT_LE(made->enter_ns, one.time_ns);
      if (made->has_returned) {
        ASSERT_LE(made->enter_ns, made->exit_ns);
      }
    }
    if (const auto* const begun = std::get_if<space_begin>(&one.what)) {
      ASSERT_TRUE(is_slice(begun->maps));
      ASSERT_EQ(run.spaces[one.space].first_event, at);
      address above = 0;
      for (const notice& mapped : slice_of(run, begun->maps)) {
        ASSERT_LE(above, mapped.where.start) << "sorted, and none overlaps another";
        ASSERT_LT(mapped.where.start, mapped.where.end);
        above = mapped.where.end;
      }
    }
    if (const auto* const forked = std::get_if<space_fork>(&one.what)) {
      ASSERT_LT(forked->child, run.spaces.size());
      ASSERT_EQ(run.spaces[forked->child].first_event, at);
      ASSERT_EQ(run.spaces[forked->child].parent, one.space);
    }
    if (std::holds_alternative<task_begin>(one.what)) {
      ASSERT_EQ(run.tasks[one.task].first_event, at);
    }
    if (std::holds_alternative<task_end>(one.what)) {
      ASSERT_EQ(run.tasks[one.task].end_event, at);
    }
    if (std::holds_alternative<space_end>(one.what)) {
      ASSERT_EQ(run.spaces[one.space].end_event, at);
    }
  }
  for (const notice& one : run.notices) ASSERT_TRUE(one.file == no_id || one.file < run.files.size());
  for (const maps_sample& one : run.samples) {
    ASSERT_LE(one.events_before, run.events.size());
    ASSERT_TRUE(!one.is_comparable() || one.space < run.spaces.size());
  }
  std::uint64_t lines = 0;
  for (const auto& [name, of_class] : run.report.classes) {
    ASSERT_LE(of_class.without_event, of_class.lines) << name;
    lines += of_class.lines;
  }
  ASSERT_EQ(lines, run.report.lines) << "every line is in one class";
}

}  // namespace rcuvm::recording
