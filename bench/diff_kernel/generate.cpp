// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/generate.hpp"

#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "bench/diff_kernel/scene.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/mm/advice.hpp"

namespace rcuvm::diff_kernel {

generator::generator(std::uint64_t seed, std::uint64_t arena_bytes)
    : engine_{seed}, arena_pages_{arena_bytes / page_size}, pages_out_{one_in(2)} {}

std::vector<call> generator::take(std::size_t count) {
  std::vector<call> made;
  made.reserve(count);
  while (made.size() < count) made.push_back(next());
  return made;
}

call generator::next() {
  // In each hundred calls.
  static constexpr std::pair<verb, unsigned> shares[] = {
      {verb::map, 22},   {verb::unmap, 6}, {verb::protect, 17}, {verb::remap, 14}, {verb::advise, 13},
      {verb::store, 12}, {verb::load, 4},  {verb::lock, 3},     {verb::unlock, 2}, {verb::brk, 3},
      {verb::sync, 1},   {verb::core, 1},  {verb::show, 1},     {verb::inspect, 1}};
  if (one_in(300)) return {.what = verb::descend};
  if (one_in(100)) return draw_limit();
  if (one_in(120)) return draw_lock_all();
  if (one_in(60)) return draw_truncate();
  if (one_in(60)) return draw_name();
  if (one_in(5000)) return {.what = verb::crowd, .length = draw(6)};
  if (one_in(100)) return {.what = verb::run, .at = draw_page() * page_size};
  if (one_in(150)) return {.what = verb::spawn, .value = static_cast<char>('A' + draw(26))};
  std::uint64_t left = draw(100);
  verb what = verb::show;
  for (const auto& [each, share] : shares) {
    what = each;
    if (left < share) break;
    left -= share;
  }
  call made;
  switch (what) {
    case verb::map: made = draw_map(); break;
    case verb::remap: made = draw_remap(); break;
    case verb::advise: made = draw_advice(); break;
    case verb::brk: return draw_brk();
    case verb::show:
    case verb::inspect: return {.what = what};
    default: {
      const pages where = draw_pages();
      made = {.what = what, .at = where.first * page_size, .length = where.count * page_size};
    }
  }
  if (what == verb::protect) made.protection = draw_protection();
  if (what == verb::lock && one_in(2)) made.flags = MLOCK_ONFAULT;
  if (what == verb::sync) made.flags = static_cast<std::uint32_t>(draw(8));
  if (what == verb::load || what == verb::store) made.length = 0;
  if (what == verb::store) made.value = static_cast<char>('a' + draw(26));
  if (one_in(30)) spoil(made);
  return made;
}

std::uint64_t generator::draw_page() {
  if (one_in(3)) return draw(arena_pages_);
  const std::uint64_t edge = edges_[draw(edges_.size())];
  switch (draw(4)) {
    case 0: return edge == 0 ? 0 : edge - 1;
    case 1: return std::min(edge + 1, arena_pages_ - 1);
    default: return std::min(edge, arena_pages_ - 1);
  }
}

std::uint64_t generator::draw_count() {
  switch (draw(8)) {
    case 0: return 1 + draw(arena_pages_);
    case 1:
    case 2: return 1 + draw(16);
    default: return 1 + draw(4);
  }
}

generator::pages generator::draw_pages() {
  const std::uint64_t first = draw_page();
  const pages made{first, std::min(draw_count(), arena_pages_ - first)};
  note_edges(made);
  return made;
}

void generator::note_edges(const pages& of) {
  for (const std::uint64_t edge : {of.first, of.first + of.count})
    edges_[next_edge_++ % edges_.size()] = edge;
}

std::uint32_t generator::draw_protection() {
  static constexpr std::uint32_t usual[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
  if (one_in(6)) return static_cast<std::uint32_t>(draw(8));
  return usual[std::min<std::uint64_t>(draw(5), 2)];
}

call generator::draw_map() {
  const pages where = draw_pages();
  call made{.what = verb::map, .at = where.first * page_size, .length = where.count * page_size};
  made.protection = draw_protection();
  // Without a flag the address is a hint.
  if (!one_in(8)) {
    made.flags = one_in(4) ? MAP_FIXED_NOREPLACE : MAP_FIXED;
  } else if (one_in(2)) {
    made.at = no_hint;
  }
  const std::uint64_t kind = draw(10);
  made.flags |= kind < 7 ? MAP_PRIVATE : MAP_SHARED;
  if (kind < 5 || kind == 9) {
    made.flags |= MAP_ANONYMOUS;
  } else {
    made.file = static_cast<std::int32_t>(draw(file_sizes.size()));
    // Neighbouring addresses have neighbouring pages, as a rule: such mappings can merge.
    made.offset = (one_in(4) ? draw(8) : where.first % 16) * page_size;
  }
  if (one_in(12)) made.flags |= MAP_NORESERVE;
  if (one_in(30)) made.flags |= MAP_LOCKED;
  if (one_in(20)) made.flags |= MAP_POPULATE;
  if (one_in(40)) made.flags |= MAP_STACK;
  if (one_in(12)) made.flags |= MAP_GROWSDOWN;
  return made;
}

call generator::draw_remap() {
  const pages from = draw_pages();
  call made{.what = verb::remap, .at = from.first * page_size, .length = from.count * page_size};
  made.new_length = made.length;
  const auto go_to = [&](std::uint64_t count) {
    const std::uint64_t first = std::min(draw_page(), arena_pages_ - count);
    note_edges({first, count});
    made.new_at = first * page_size;
    made.new_length = count * page_size;
    made.flags = MREMAP_MAYMOVE | MREMAP_FIXED;
  };
  const auto room = [&] { return arena_pages_ - from.first; };
  switch (draw(10)) {
    case 0:  // shrink
      made.new_length = (1 + draw(from.count)) * page_size;
      if (one_in(2)) made.flags = MREMAP_MAYMOVE;
      break;
    case 1:
    case 2:  // grow
      made.new_length = std::min(from.count + draw_count(), room()) * page_size;
      if (one_in(4)) made.flags = MREMAP_MAYMOVE;
      break;
    case 3:  // move and resize
      go_to(std::min(draw_count(), arena_pages_));
      break;
    case 4:
      go_to(from.count);
      made.flags |= MREMAP_DONTUNMAP;
      if (one_in(4)) made.flags &= ~std::uint32_t{MREMAP_FIXED};
      break;
    case 5:  // a second mapping of a shared one
      go_to(from.count);
      made.length = 0;
      break;
    default: go_to(from.count);
  }
  return made;
}

call generator::draw_advice() {
  static constexpr std::int32_t about_pages[] = {
      MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_COLD,           MADV_FREE,
      MADV_WILLNEED, MADV_POPULATE_READ,   MADV_POPULATE_WRITE, MADV_REMOVE};
  static constexpr std::int32_t about_flags[] = {
      MADV_NORMAL,      MADV_RANDOM,   MADV_SEQUENTIAL, MADV_DONTFORK,   MADV_DOFORK,
      MADV_DONTDUMP,    MADV_DODUMP,   MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_MERGEABLE,
      MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE};
  const pages where = draw_pages();
  call made{.what = verb::advise, .at = where.first * page_size, .length = where.count * page_size};
  if (one_in(3)) {
    made.advice = pages_out_ && one_in(2) ? MADV_PAGEOUT : MADV_DONTNEED;
  } else if (one_in(6)) {
    made.advice = one_in(3) ? mm::guard_remove : mm::guard_install;
  } else if (one_in(4)) {
    made.advice = about_pages[draw(std::size(about_pages))];
    if (pages_out_ && made.advice == MADV_FREE) made.advice = MADV_PAGEOUT;
  } else {
    made.advice = about_flags[draw(std::size(about_flags))];
  }
  return made;
}

call generator::draw_name() {
  const pages where = draw_pages();
  static constexpr char names[] = {'a', 'a', 'b', ' ', 0, '['};
  return {.what = verb::name,
          .at = where.first * page_size,
          .length = where.count * page_size,
          .value = names[draw(std::size(names))]};
}

call generator::draw_brk() {
  const std::uint64_t page = std::min(arena_pages_ / 2 + draw_count() - 1, arena_pages_ - 1);
  note_edges({arena_pages_ / 2 + 1, page - arena_pages_ / 2});
  return {.what = verb::brk, .at = page * page_size + draw(page_size)};
}

call generator::draw_limit() {
  // Once a child has locked what it has elsewhere, too, the two sides are not equally near to a limit.
  static constexpr std::uint32_t resources[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK};
  const std::uint64_t odd = one_in(3) ? 100 : 0;
  // Less than all data, so that it is the heap's own.
  if (one_in(20))
    return {
        .what = verb::limit_to, .length = one_in(2) ? 0 : draw(8) * page_size + odd, .flags = RLIMIT_DATA};
  const std::uint32_t resource = resources[draw(has_locked_all_ ? 3 : 4)];
  if (resource == RLIMIT_STACK)
    return {.what = verb::limit_to,
            .length = one_in(5) ? 2 * largest_arena : draw(12) * page_size + odd,
            .flags = resource};
  call made{.what = verb::limit, .flags = resource};
  // As good as none; a few pages more, or fewer, than there are.
  if (one_in(2)) {
    made.length = 2 * largest_arena;
  } else {
    made.length = draw(16) * page_size - (one_in(4) ? 8 * page_size : 0) + odd;
  }
  return made;
}

call generator::draw_truncate() {
  call made{.what = verb::truncate};
  made.file = static_cast<std::int32_t>(draw(file_sizes.size()));
  made.length = draw(20) * page_size + (one_in(2) ? draw(page_size) : 0);
  return made;
}

call generator::draw_lock_all() {
  call made{.what = verb::lock_all};
  if (!one_in(3)) made.flags = static_cast<std::uint32_t>(draw(one_in(8) ? 16 : 8));
  has_locked_all_ |= (made.flags & MCL_CURRENT) != 0;
  return made;
}

void generator::spoil(call& one) {
  const auto off_grid = [&] { return 1 + draw(page_size - 1); };
  // Above the top of all addresses with any start, so that no call can reach beyond the arena.
  const auto too_long = [&] { return ~std::uint64_t{0} - draw(4 * page_size); };
  switch (draw(6)) {
    case 0:
      if (one.at != no_hint) one.at += off_grid();
      break;
    case 1: one.length = 0; break;
    case 2: one.length = too_long(); break;
    case 3:
      if (one.length != 0) one.length -= off_grid();
      break;
    case 4:
      one.offset += off_grid();
      one.new_at += one.what == verb::remap ? off_grid() : 0;
      break;
    default:
      one.new_length = one_in(2) ? 0 : too_long();
      if (one.what == verb::remap && one_in(2)) one.flags ^= MREMAP_MAYMOVE;
  }
}

}  // namespace rcuvm::diff_kernel
