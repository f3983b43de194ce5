// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The model with one of the kernel's rules broken.

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "bench/diff_kernel/model.hpp"
#include "rcuvm/base/address.hpp"

namespace rcuvm::diff_kernel::testing {

enum class broken_rule : std::uint8_t {
  none,
  merges_whatever_looks_alike,      ///< advice and anonymous pages keep mappings apart
  unmaps_where_nothing_may_be,      ///< MAP_FIXED_NOREPLACE refuses, and changes nothing
  keeps_the_offset_after_a_split,   ///< the upper part begins further into the file
  protects_behind_a_hole,           ///< mprotect ends at the first hole
  keeps_pages_that_are_not_needed,  ///< MADV_DONTNEED takes private pages away
  takes_pages_out,                  ///< without swap, MADV_PAGEOUT leaves private pages where they are
  grows_stacks_without_end,         ///< RLIMIT_STACK
  counts_no_pages_of_files,         ///< Rss counts them, too
  asks_for_exec_first,              ///< a fetch that is refused leaves the page that it faulted in
  writes_through_after_fork,        ///< private pages of parent and child are copied when one of them writes
};

class broken_model final : public model {
 public:
  broken_model(std::string_view design, broken_rule which) : sound_{make_model(design)}, which_{which} {}

  void start(const stage& on, const std::vector<vm::file_identity>& files) override {
    sound_->start(on, files);
    arena_ = on.arena;
  }

  sight perform(const call& one) override {
    call asked = one;
    const bool is_careful = one.what == verb::map && (one.flags & MAP_FIXED_NOREPLACE) != 0;
    if (which_ == broken_rule::unmaps_where_nothing_may_be && is_careful)
      asked.flags = (one.flags & ~std::uint32_t{MAP_FIXED_NOREPLACE}) | MAP_FIXED;
    if (which_ == broken_rule::keeps_pages_that_are_not_needed && one.advice == MADV_DONTNEED)
      asked.advice = MADV_COLD;
    if (which_ == broken_rule::takes_pages_out && one.advice == MADV_PAGEOUT) asked.advice = MADV_DONTNEED;
    if (which_ == broken_rule::grows_stacks_without_end && one.flags == RLIMIT_STACK &&
        one.what == verb::limit_to)
      asked.length = 2 * largest_arena;
    if (which_ == broken_rule::writes_through_after_fork && one.what == verb::spawn) write_through(one.value);
    if (which_ == broken_rule::asks_for_exec_first && one.what == verb::run && is_data(arena_.start + one.at))
      return {.answer = {outcome::not_allowed, 0}, .seen = {}, .lines = lines_};
    sight made = sound_->perform(asked);
    lines_ = made.lines;
    if (which_ == broken_rule::protects_behind_a_hole && one.what == verb::protect) protect_rest(one, made);
    if (which_ == broken_rule::counts_no_pages_of_files && one.what == verb::inspect) forget_files(made.seen);
    if (which_ == broken_rule::merges_whatever_looks_alike) merge(made.lines);
    if (which_ == broken_rule::keeps_the_offset_after_a_split) keep_offsets(made.lines);
    return made;
  }

 private:
  /// Mapped, accessible, not executable.
  bool is_data(address at) const {
    using proc_maps::permission;
    return std::ranges::any_of(lines_, [at](const proc_maps::entry& one) {
      const bool is_accessible = one.allowed.has(permission::read) || one.allowed.has(permission::write);
      return one.where.contains(at) && is_accessible && !one.allowed.has(permission::execute);
    });
  }

  void write_through(char value) {
    for (std::uint64_t at = 0; at < arena_.size(); at += page_size)
      std::ignore = sound_->perform({.what = verb::store, .at = at, .value = value});
  }

  void protect_rest(const call& one, sight& made) {
    if (made.answer != answer{outcome::failed, ENOMEM} || one.length > arena_.size()) return;
    for (std::uint64_t at = one.at; at < one.at + one.length; at += page_size) {
      sight later =
          sound_->perform({.what = one.what, .at = at, .length = page_size, .protection = one.protection});
      made.lines = std::move(later.lines);
    }
  }

  static void forget_files(std::string& inspected) {
    static const std::regex counts{"([0-9]+) anonymous, [0-9]+ resident"};
    inspected = std::regex_replace(inspected, counts, "$1 anonymous, $1 resident");
  }

  static void merge(std::vector<proc_maps::entry>& lines) {
    std::vector<proc_maps::entry> kept;
    for (proc_maps::entry& one : lines) {
      const bool is_alike = !kept.empty() && kept.back().where.end == one.where.start &&
                            kept.back().allowed == one.allowed && kept.back().inode == 0 && one.inode == 0;
      if (is_alike) {
        kept.back().where.end = one.where.end;
      } else {
        kept.push_back(std::move(one));
      }
    }
    lines = std::move(kept);
  }

  static void keep_offsets(std::vector<proc_maps::entry>& lines) {
    for (std::size_t i = 1; i < lines.size(); ++i) {
      if (lines[i].inode != 0 && lines[i].inode == lines[i - 1].inode &&
          lines[i].where.start == lines[i - 1].where.end)
        lines[i].offset = lines[i - 1].offset;
    }
  }

  std::unique_ptr<model> sound_;
  broken_rule which_;
  range arena_;
  std::vector<proc_maps::entry> lines_;
};

}  // namespace rcuvm::diff_kernel::testing
