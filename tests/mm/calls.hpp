// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Random calls on a drawn address space. The same seed gives the same calls under each design.

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "tests/mm/picture.hpp"
#include "tests/tree/settings.hpp"

namespace rcuvm::mm::testing {

using tree::testing::draw;
using tree::testing::random_engine;

/// The arena of random calls: everything is placed in the first 48 pages; stacks keep 3 pages free below them, and grow to 12.
inline constexpr layout arena{.lowest = page_at(0),
                              .mmap_base = page_at(40),
                              .unmapped_base = page_at(40),
                              .end = page_at(48),
                              .stack_guard_gap = 3 * page_size};
inline constexpr limits arena_limits{.stack_bytes = 12 * page_size};
inline constexpr std::uint64_t arena_pages = 48;
inline constexpr std::int64_t heap_page = 30;

enum class verb : std::uint8_t {
  map,
  map_new,
  place,
  unmap,
  protect,
  move,
  resize,
  duplicate,
  brk,
  dontneed,
  flag,
  lock,
  unlock,
  write,
  read
};
inline constexpr unsigned verb_count = 15;

/// One call. What a verb does not need is ignored.
struct call {
  verb what;
  std::int64_t first, end;  ///< pages
  std::int64_t to, to_end;  ///< pages, of a move
  char is;                  ///< letter of a mapping, or what is written
  vm::protection protection;
  remap_flags flags;
  int advice;
};

/// `with_stacks`: mappings that grow down, too.
[[nodiscard]] inline call draw_call(random_engine& random, bool with_stacks) {
  static constexpr std::string_view kinds = "AAAABCDEES03akz";
  const auto page = [&] { return static_cast<std::int64_t>(draw(random, arena_pages)); };
  const auto length = [&] { return static_cast<std::int64_t>(draw(random, draw(random, 8) == 0 ? 20 : 6)); };
  call made{};
  made.what = static_cast<verb>(draw(random, verb_count));
  made.first = page();
  made.end = made.first + length();
  made.to = page();
  made.to_end = made.to + (draw(random, 2) == 0 ? made.end - made.first : length());
  made.is = kinds[draw(random, kinds.size())];
  if (with_stacks && draw(random, 8) == 0) made.is = 'G';
  if (made.what == verb::write) made.is = static_cast<char>('a' + draw(random, 26));
  made.protection = vm::protection::from_bits(static_cast<std::uint8_t>(draw(random, 8)));
  made.flags = draw(random, 3) == 0 ? remap_flags{remap_flag::dont_unmap} : remap_flags{};
  static constexpr int advices[] = {MADV_DONTFORK, MADV_DOFORK,     MADV_WIPEONFORK, MADV_KEEPONFORK,
                                    MADV_DONTDUMP, MADV_SEQUENTIAL, MADV_NORMAL,     MADV_DODUMP};
  made.advice = advices[draw(random, 8)];
  return made;
}

[[nodiscard]] inline std::string describe(const call& of) {
  static constexpr const char* names[verb_count] = {"map",  "map_new", "place",     "unmap", "protect",
                                                    "move", "resize",  "duplicate", "brk",   "dontneed",
                                                    "flag", "lock",    "unlock",    "write", "read"};
  return std::string{names[static_cast<unsigned>(of.what)]} + " " + std::to_string(of.first) + "-" +
         std::to_string(of.end) + " to " + std::to_string(of.to) + "-" + std::to_string(of.to_end) + " " +
         of.is + " prot " + std::to_string(of.protection.bits()) + " flags " +
         std::to_string(of.flags.bits()) + " advice " + std::to_string(of.advice);
}

/// "ok 12": where it went.
[[nodiscard]] inline std::string placed(const result<address>& at) {
  if (!at) return outcome(at);
  return "ok " +
         std::to_string(static_cast<std::int64_t>(*at - picture_base) / static_cast<std::int64_t>(page_size));
}

/// Calls, and says what came of it.
template <class Design>
[[nodiscard]] std::string perform(process<Design>& p, const call& wanted) {
  auto& space = p.space();
  // A dead entry is occupied to whoever looks for room: the designs give the same places once it is over.
  if (Design::leaves_tombstones && (wanted.what == verb::place || wanted.what == verb::resize))
    p.cpu().host().limbo().drain();
  const auto length = [](std::int64_t first, std::int64_t end) { return pages(first, end).size(); };
  switch (wanted.what) {
    case verb::map: return p.map(wanted.first, wanted.end, wanted.is);
    case verb::map_new: return p.map(wanted.first, wanted.end, wanted.is, map_flag::fixed_noreplace);
    case verb::place: return placed(space.map(p.cpu(), p.request(wanted.first, wanted.end, wanted.is, {})));
    case verb::unmap: return p.unmap(wanted.first, wanted.end);
    case verb::protect: return p.protect(wanted.first, wanted.end, wanted.protection);
    case verb::move: return p.move(wanted.first, wanted.end, wanted.to, wanted.to_end, wanted.flags);
    case verb::resize:
      return placed(
          space.remap(p.cpu(), {.old_address = page_at(wanted.first),
                                .old_length = length(wanted.first, wanted.end),
                                .new_length = length(wanted.to, wanted.to_end),
                                .flags = wanted.advice % 2 == 0 ? remap_flag::may_move : remap_flags{}}));
    case verb::duplicate: return p.move(wanted.first, wanted.first, wanted.to, wanted.to_end);
    case verb::brk: return placed(space.brk(p.cpu(), page_at(heap_page + wanted.end - wanted.first - 1) + 5));
    case verb::dontneed: return p.advise(wanted.first, wanted.end, MADV_DONTNEED);
    case verb::flag: return p.advise(wanted.first, wanted.end, wanted.advice);
    case verb::lock: return outcome(space.lock(p.cpu(), pages(wanted.first, wanted.end)));
    case verb::unlock: return outcome(space.unlock(p.cpu(), pages(wanted.first, wanted.end)));
    case verb::write: return p.fill(std::string(1, wanted.is), wanted.first);
    case verb::read: return p.touch(wanted.first, wanted.first + 1, vm::access::read);
  }
  return "";
}

/// Pages from the start of the first mapping to the end of the last one.
struct extent {
  std::int64_t first = 0, end = 0;
};

/// Of the mappings that the call's range meets.
template <class Design>
[[nodiscard]] extent mappings_around(process<Design>& p, const call& wanted) {
  extent found{wanted.first, wanted.end};
  p.space().walk_snapshot([&](const vm::vma& one) {
    const auto page_of = [](address at) {
      return static_cast<std::int64_t>(at >> page_shift) -
             static_cast<std::int64_t>(picture_base >> page_shift);
    };
    const std::int64_t start = page_of(one.where().start);
    const std::int64_t end = page_of(one.where().end);
    if (start >= wanted.end || end <= wanted.first) return;
    found = {std::min(found.first, start), std::max(found.end, end)};
  });
  return found;
}

/// Each mapping as a line: all that a design could get wrong but its identity numbers.
template <class Design>
[[nodiscard]] std::string describe_maps(process<Design>& p) {
  std::string text;
  if (!p.space().verify()) return "the address space is not sound";
  p.space().walk_snapshot([&](const vm::vma& one) {
    const vm::vma_fields fields = p.space().fields_of(one);
    text += std::to_string((fields.where.start - picture_base) >> page_shift) + "-" +
            std::to_string((fields.where.end - picture_base) >> page_shift) + " " +
            std::to_string(fields.flags.bits()) + " " + std::to_string(fields.page_offset) +
            (fields.backing ? fields.backing->identity().name : "") + (fields.anon != 0 ? " touched" : "") +
            (fields.has_parents ? " forked" : "") + "\n";
  });
  return text;
}

}  // namespace rcuvm::mm::testing
