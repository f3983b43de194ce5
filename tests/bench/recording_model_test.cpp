// SPDX-License-Identifier: Apache-2.0

/// The meaning of the events, checked without the library: a sequential model that knows nothing but ranges replays
/// each recording and must equal every comparable sample of /proc/PID/maps.
///
/// The model never merges, so both sides are merged before they are compared.

#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bench/recording/recording.hpp"
#include "proc_maps/diff.hpp"
#include "proc_maps/format.hpp"
#include "tests/bench/recording_testing.hpp"

namespace rcuvm::recording {
namespace {

using proc_maps::entry;
using proc_maps::permission;
using proc_maps::permissions;

constexpr std::string_view stack_name = "[stack]";

/// "(deleted)" is said of a file that was unlinked after it was mapped; the recording names it as it was before.
std::string live_name(std::string name) {
  constexpr std::string_view mark = " (deleted)";
  if (name.ends_with(mark)) name.resize(name.size() - mark.size());
  return name;
}

permissions permissions_of(std::uint32_t protection, bool is_shared) {
  permissions made = permissions::from_bits(static_cast<std::uint8_t>(protection & 7));
  return is_shared ? made.with(permission::shared) : made;
}

/// The pieces of one address space by start; never merged.
class plain_space {
 public:
  explicit plain_space(const trace& of) : trace_{&of} {}

  void put(entry piece) {
    cut(piece.where);
    pieces_.emplace(piece.where.start, std::move(piece));
  }

  std::vector<entry> cut(range hole) {
    std::vector<entry> removed;
    if (hole.is_empty()) return removed;
    split(hole.start);
    split(hole.end);
    for (auto at = pieces_.lower_bound(hole.start); at != pieces_.end() && at->first < hole.end;) {
      removed.push_back(std::move(at->second));
      at = pieces_.erase(at);
    }
    return removed;
  }

  /// Merged where range, permissions and file go on.
  std::vector<entry> merged() const {
    std::vector<entry> all;
    for (const auto& [start, piece] : pieces_) all.push_back(piece);
    return merge(all);
  }

  static std::vector<entry> merge(const std::vector<entry>& pieces) {
    std::vector<entry> out;
    for (entry piece : pieces) {
      if (piece.name == proc_maps::vsyscall_name) continue;
      if (piece.name != stack_name) piece.name = piece.inode == 0 ? "" : live_name(piece.name);
      if (piece.inode == 0) piece.offset = 0;
      if (!out.empty()) {
        entry& last = out.back();
        const bool goes_on = piece.inode == 0 || piece.offset == last.offset + last.where.size();
        if (last.where.end == piece.where.start && last.allowed == piece.allowed && goes_on &&
            std::tie(last.inode, last.device_major, last.device_minor, last.name) ==
                std::tie(piece.inode, piece.device_major, piece.device_minor, piece.name)) {
          last.where.end = piece.where.end;
          continue;
        }
      }
      out.push_back(std::move(piece));
    }
    return out;
  }

  void apply(const space_begin& begun) {
    for (const notice& one : slice_of(*trace_, begun.maps)) put(entry_of(one));
  }
  void apply(const mmap_call& call) {
    constexpr std::uint32_t anonymous = 0x20;
    constexpr std::uint32_t huge = 0x40000;
    if (call.how.has_failed()) return;
    const std::uint64_t unit = (call.flags & huge) != 0 ? std::uint64_t{2} << 20 : page_size;
    const std::uint64_t length = (call.length + unit - 1) / unit * unit;
    const bool is_shared = (call.flags & 3) != 2;
    const std::uint64_t offset = (call.flags & anonymous) != 0 ? 0 : call.offset;
    put(make({call.how.returned, call.how.returned + length}, permissions_of(call.protection, is_shared),
             offset, call.file));
  }
  void apply(const munmap_call& call) {
    if (!call.how.has_failed()) cut({call.start, call.start + page_ceil(call.length)});
  }
  void apply(const mprotect_call& call) {
    if (call.how.has_failed()) return;
    for (entry& piece : cut({call.start, call.start + page_ceil(call.length)})) {
      piece.allowed = permissions_of(call.protection, piece.allowed.has(permission::shared));
      put(std::move(piece));
    }
  }
  void apply(const brk_call& call) {
    const address now = page_ceil(call.how.returned);
    if (break_ && now > *break_) put(make({*break_, now}, permissions_of(3, false), 0, no_id));
    if (break_ && now < *break_) cut({now, *break_});
    break_ = now;
  }
  void apply(const mremap_call& call) {
    constexpr std::uint32_t dont_unmap = 4;
    if (call.how.has_failed()) return;
    const range from{call.old_address, call.old_address + page_ceil(call.old_length)};
    const range to{call.how.returned, call.how.returned + page_ceil(call.new_length)};
    std::vector<entry> moved;
    if (from.is_empty()) {  // an old length of 0 doubles a shared mapping
      split(call.old_address);
      if (const auto at = pieces_.find(call.old_address); at != pieces_.end()) moved.push_back(at->second);
    } else {
      moved = cut(from);
      if ((call.flags & dont_unmap) != 0) {
        for (const entry& piece : moved) put(piece);
      }
    }
    if (to.start != from.start) cut(to);
    for (entry& piece : moved) {
      piece.where = {piece.where.start - from.start + to.start, piece.where.end - from.start + to.start};
      piece.where = piece.where.intersection(to);
      if (&piece == &moved.back()) piece.where.end = to.end;
      if (!piece.where.is_empty()) put(std::move(piece));
    }
  }
  void apply(const shmat_call& call) {
    if (call.how.has_failed() || call.how.notices.count == 0) return;
    const entry piece = entry_of(slice_of(*trace_, call.how.notices).back());
    attached_[piece.where.start] = piece.where;
    put(piece);
  }
  void apply(const shmdt_call& call) {
    if (const auto at = attached_.find(call.start); !call.how.has_failed() && at != attached_.end())
      cut(at->second);
  }
  void apply(const remap_file_pages_call& call) {
    if (call.how.has_failed()) return;
    for (entry& piece : cut({call.start, call.start + page_ceil(call.length)})) {
      piece.offset = call.page_offset * page_size + (piece.where.start - call.start);
      put(std::move(piece));
    }
  }
  void apply(const stack_growth& grown) {
    for (const auto& [start, piece] : pieces_) {
      if (piece.name != stack_name) continue;
      entry stack = piece;
      stack.where = grown.where;
      put(std::move(stack));
      return;
    }
    ADD_FAILURE() << "a stack grew in a space that has none";
  }
  void apply(const auto&) {}

 private:
  static entry make(range where, permissions allowed, std::uint64_t offset, const file* backing_file) {
    entry made;
    made.where = where;
    made.allowed = allowed;
    if (backing_file == nullptr) return made;
    made.offset = offset;
    made.device_major = backing_file->device_major;
    made.device_minor = backing_file->device_minor;
    made.inode = backing_file->inode;
    made.name = backing_file->name;
    return made;
  }
  entry make(range where, permissions allowed, std::uint64_t offset, file_id file) const {
    return make(where, allowed, offset, file == no_id ? nullptr : &trace_->files[file]);
  }
  entry entry_of(const notice& one) const {
    entry made = make(one.where, one.allowed, one.offset, one.kind == backing::file ? one.file : no_id);
    if (one.kind == backing::stack) made.name = stack_name;
    return made;
  }
  void split(address at) {
    auto after = pieces_.upper_bound(at);
    if (after == pieces_.begin()) return;
    entry& below = std::prev(after)->second;
    if (below.where.start == at || below.where.end <= at) return;
    entry above = below;
    above.where.start = at;
    above.offset += at - below.where.start;
    below.where.end = at;
    pieces_.emplace(at, std::move(above));
  }

  const trace* trace_;
  std::map<address, entry> pieces_;
  std::map<address, range> attached_;
  std::optional<address> break_;
};

/// Replays all events and compares at each comparable sample. Returns how many were compared.
std::size_t compare_with_samples(const trace& run) {
  std::map<space_id, plain_space> spaces;
  std::size_t compared = 0;
  auto sample = run.samples.begin();
  for (std::size_t done = 0; done <= run.events.size(); ++done) {
    for (; sample != run.samples.end() && sample->events_before == done; ++sample) {
      if (!sample->is_comparable()) continue;
      const auto its = spaces.find(sample->space);
      if (its == spaces.end()) {
        ADD_FAILURE() << run.name << ": the sample at line " << sample->line << " has no space";
        continue;
      }
      const std::string difference = proc_maps::diff(plain_space::merge(sample->entries),
                                                     its->second.merged(), {.context = 1, .lines = 20});
      EXPECT_EQ(difference, "") << run.name << ": pid " << sample->pid << ", sample at line " << sample->line;
      ++compared;
    }
    if (done == run.events.size()) break;
    const event& one = run.events[done];
    if (const auto* const forked = std::get_if<space_fork>(&one.what)) {
      spaces.insert_or_assign(forked->child, plain_space{spaces.at(one.space)});
    } else if (std::holds_alternative<space_end>(one.what)) {
      spaces.erase(one.space);
    } else {
      plain_space& its = spaces.try_emplace(one.space, run).first->second;
      std::visit([&](const auto& what) { its.apply(what); }, one.what);
    }
  }
  EXPECT_EQ(sample, run.samples.end()) << "samples are sorted and all were passed";
  return compared;
}

/// How many samples tools/vmcheck.py of the shared set compares (INDEX.md); this reader may compare more, because it
/// knows which calls can change the maps.
const std::map<std::string, std::size_t, std::less<>> compared_by_vmcheck{
    {"chromium_headless", 56},    {"cmake_ninja", 58},
    {"emacs_batch", 24},          {"ffmpeg_x264", 4},
    {"gcc_cc1plus", 106},         {"java_gc", 20},
    {"malloc_glibc", 10},         {"nginx_wrk", 22},
    {"node_workers", 34},         {"python_stdlib_threads", 14},
    {"redis_bgsave", 20},         {"sqlite_mmap", 7},
    {"stressng_mmap_mremap", 12}, {"thread_storm_c", 7}};

class recording_model : public testing::TestWithParam<location> {};

TEST_P(recording_model, equals_every_comparable_sample) {
  const auto run = read(GetParam());
  ASSERT_TRUE(run) << run.error().to_text();
  const std::size_t compared = compare_with_samples(*run);
  const auto known = compared_by_vmcheck.find(run->name);
  ASSERT_NE(known, compared_by_vmcheck.end());
  EXPECT_GE(compared, known->second);
}

INSTANTIATE_TEST_SUITE_P(all, recording_model, testing::ValuesIn(recordings_to_test()), name_of_recording);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(recording_model);

}  // namespace
}  // namespace rcuvm::recording
