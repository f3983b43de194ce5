// SPDX-License-Identifier: Apache-2.0

#include "rcuvm/tree/simd.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/tree/gap.hpp"

// SSSE3 and SSE4 would gain nothing over the baseline: they can't compare 64-bit numbers as unsigned ones.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)

// Highway includes this file again for each target, each time with another HWY_NAMESPACE.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "../src/tree/simd.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef RCUVM_SIMD_FUNCTIONS
#define RCUVM_SIMD_FUNCTIONS
namespace rcuvm::tree::simd {
/// What each target has: what simd.hpp offers. A root travels as its word, in a register.
struct functions {
  target which;
  void* (*find)(std::uintptr_t root, std::uint64_t key);
  void (*find_many)(std::uintptr_t root, const std::uint64_t* keys, void** found, std::size_t count);
  void (*descend)(std::uintptr_t root, std::uint64_t key, path_step<wide_layout>* step);
  std::uint64_t (*find_gap)(std::uintptr_t root, const gap_request& wanted, bool upwards);
  unsigned (*slot_of_leaf)(const leaf<wide_layout>& node, std::uint64_t key);
  unsigned (*slot_of_inner)(const inner<wide_layout>& node, std::uint64_t key);
  std::uint64_t (*gaps)(const leaf<wide_layout>& node);
};
}  // namespace rcuvm::tree::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace rcuvm::tree::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using wide_leaf = leaf<wide_layout>;
using wide_inner = inner<wide_layout>;

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

constexpr target here = HWY_TARGET == HWY_AVX3 ? target::avx512 : target::avx2;

using u64_tag = hn::ScalableTag<std::uint64_t>;
using u32_tag = hn::ScalableTag<std::uint32_t>;
using u64s = hn::Vec<u64_tag>;
using u32s = hn::Vec<u32_tag>;

/// Bit i: numbers[i], for each lane of a vector, is below `bound`.
template <class Number>
HWY_INLINE std::uint64_t bits_below(const Number* numbers, hn::Vec<hn::ScalableTag<Number>> bound) {
  const hn::ScalableTag<Number> tag;
  std::uint64_t bits = 0;
  hn::StoreMaskBits(tag, hn::Lt(hn::Load(tag, numbers), bound), reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

/// The same for `Count` numbers, whole vectors of them.
template <unsigned Count, class Number>
HWY_INLINE std::uint64_t all_bits_below(const Number* numbers, hn::Vec<hn::ScalableTag<Number>> bound) {
  constexpr unsigned lanes = hn::MaxLanes(hn::ScalableTag<Number>{});
  static_assert(Count % lanes == 0);
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < Count; i += lanes) bits |= bits_below(numbers + i, bound) << i;
  return bits;
}

HWY_INLINE std::uint64_t first_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

/// How many of numbers[First] .. numbers[Last-1] are below `bound`. The numbers start, and the last of them ends, a
/// cache line.
template <unsigned First, unsigned Last, class Number>
HWY_INLINE unsigned count_below(const Number* numbers, hn::Vec<hn::ScalableTag<Number>> bound) {
  constexpr unsigned lanes = hn::MaxLanes(hn::ScalableTag<Number>{});
  static_assert(Last % lanes == 0);
  std::size_t below = 0;
  for (unsigned i = First / lanes * lanes; i < Last; i += lanes) {
    const std::uint64_t bits = bits_below(numbers + i, bound);
    below += hwy::PopCount(i < First ? bits & ~first_bits(First - i) : bits);
  }
  return static_cast<unsigned>(below);
}

/// Pivots below the bound are not above the key. A key that is alone comes in a general register, and is sooner ready from there;
/// one among others comes from memory into all lanes at once, and needs fewer instructions there: find_many takes 0.9 of the time.
HWY_INLINE u64s bound(std::uint64_t key) { return hn::Set(u64_tag{}, key + 1); }
HWY_INLINE u64s bound_in_lanes(std::uint64_t key) {
  return hn::Add(hn::Set(u64_tag{}, key), hn::Set(u64_tag{}, 1));
}
/// The same for packed pivots: pivot_frame::pack(), and 1 more.
HWY_INLINE u32s packed_bound(const wide_leaf& node, std::uint64_t key) {
  return hn::Set(u32_tag{}, pivot_frame::pack(node.frame, key) + 1);
}
HWY_INLINE u32s packed_bound_in_lanes(const wide_leaf& node, std::uint64_t key) {
  const u64s frame = hn::Set(u64_tag{}, node.frame);
  const u64s shift = hn::And(frame, hn::Set(u64_tag{}, pivot_frame::plain));
  const u64s units = hn::Set(u64_tag{}, key) >> shift;
  const u64s packed = hn::Sub(units, hn::ShiftRight<pivot_frame::base_shift>(frame));
  return hn::Add(hn::DupEven(hn::BitCast(u32_tag{}, packed)), hn::Set(u32_tag{}, 1));
}

/// Only a root may have few slots, with pivots in its first two lines. The branch is the same for each key, and saves a lookup among
/// 40 ranges a seventh of its time (a third, where lookups overlap).
HWY_INLINE bool has_few_slots(const wide_inner& node) { return node.separator[0] == space_end; }

/// All lines at once: the fewest loads that wait for another, for a key that is alone.
template <unsigned Lines>
HWY_INLINE unsigned slot_in_lines(const wide_inner& node, std::uint64_t key) {
  constexpr unsigned separators = tree::separators<wide_layout>;
  return count_below<separators, Lines * wide_inner::pivots_a_line>(node.separator.data(), bound(key));
}
HWY_INLINE unsigned slot_of(const wide_inner& node, std::uint64_t key) {
  return slot_in_lines<separators<wide_layout> + 2>(node, key);
}
HWY_INLINE unsigned slot_of_few(const wide_inner& node, std::uint64_t key) {
  return slot_in_lines<2>(node, key);
}

/// Two lines, one after the other: the fewest instructions, for a key among others.
HWY_INLINE unsigned slot_by_steps(const wide_inner& node, std::uint64_t key) {
  constexpr unsigned separators = tree::separators<wide_layout>;
  constexpr unsigned pivots_a_line = wide_inner::pivots_a_line;
  const u64s above = bound_in_lanes(key);
  const std::uint64_t* const first = node.separator.data();
  const std::uint64_t below = all_bits_below<pivots_a_line>(first, above);
  const std::size_t lines = hwy::PopCount(below & first_bits(separators));
  const std::uint64_t* const last = first + (lines + 1) * pivots_a_line;
  return static_cast<unsigned>(hwy::PopCount(below >> separators) + lines * pivots_a_line +
                               hwy::PopCount(all_bits_below<pivots_a_line>(last, above)));
}

/// The first step alone, where the first line holds all pivots.
HWY_INLINE bool has_one_line(const wide_inner& node) {
  return node.pivot[wide_inner::pivots_a_line - separators<wide_layout>] == space_end;
}
HWY_INLINE unsigned slot_in_first_line(const wide_inner& node, std::uint64_t key) {
  const u64s above = bound_in_lanes(key);
  const std::uint64_t below = all_bits_below<wide_inner::pivots_a_line>(node.separator.data(), above);
  return static_cast<unsigned>(hwy::PopCount(below >> separators<wide_layout>));
}

/// The frame and the packed pivots behind it, in whole lines.
constexpr unsigned packed_count = wide_leaf::slots + 1;
HWY_INLINE const std::uint32_t* packed_of(const wide_leaf& node) {
  return reinterpret_cast<const std::uint32_t*>(&node.frame);
}

/// Of a leaf whose pivots are packed.
HWY_INLINE unsigned packed_slot_of(const wide_leaf& node, std::uint64_t key) {
  return count_below<2, packed_count>(packed_of(node), packed_bound(node, key));
}
HWY_INLINE unsigned packed_slot_among(const wide_leaf& node, std::uint64_t key) {
  return count_below<2, packed_count>(packed_of(node), packed_bound_in_lanes(node, key));
}

/// Both forms of pivots, so that a tree with both costs no mispredicted branch.
HWY_INLINE unsigned slot_of(const wide_leaf& node, std::uint64_t key) {
  const unsigned plain = count_below<1, wide_leaf::plain_slots>(&node.frame, bound(key));
  const unsigned packed = packed_slot_of(node, key);
  const unsigned take_plain = 0U - static_cast<unsigned>(pivot_frame::is_plain(node.frame));
  return packed ^ ((packed ^ plain) & take_plain);
}
/// The same in fewer instructions and more steps.
HWY_INLINE unsigned slot_among(const wide_leaf& node, std::uint64_t key) {
  const std::uint64_t plain = all_bits_below<wide_leaf::plain_slots>(&node.frame, bound_in_lanes(key)) >> 1;
  const std::uint64_t packed =
      all_bits_below<packed_count>(packed_of(node), packed_bound_in_lanes(node, key)) >> 2;
  const unsigned taken = pivot_frame::is_plain(node.frame) ? 32 : 0;
  return static_cast<unsigned>(hwy::PopCount((plain << 32 | packed) >> taken & first_bits(32)));
}

/// A bit for each of `Count` numbers that `test`, told where they stand, is true for. The last vector overlaps the one
/// before: nothing behind the numbers is read.
template <unsigned Count, class Number, class Test>
HWY_INLINE std::uint64_t bits_where(const Number* numbers, Test test) {
  const hn::ScalableTag<Number> tag;
  constexpr unsigned lanes = hn::MaxLanes(tag);
  static_assert(lanes <= Count && Count <= 64);
  std::uint64_t found = 0;
  for (unsigned i = 0; i < Count; i += lanes) {
    const unsigned from = std::min(i, Count - lanes);
    std::uint64_t bits = 0;
    hn::StoreMaskBits(tag, test(tag, hn::LoadU(tag, numbers + from), from),
                      reinterpret_cast<std::uint8_t*>(&bits));
    found |= bits << from;
  }
  return found;
}

HWY_INLINE std::uint64_t gaps_of(const wide_leaf& node) {
  const auto is_null = [](auto tag, auto slots, std::size_t)
                           HWY_ATTR { return hn::Eq(slots, hn::Zero(tag)); };
  return bits_where<wide_leaf::slots>(reinterpret_cast<const std::uint64_t*>(node.slot), is_null) &
         first_bits(node.head.count);
}

/// leaf::gaps_with_room.
HWY_INLINE std::uint64_t gaps_with_room(const wide_leaf& node, std::uint64_t size) {
  const std::uint64_t gaps = gaps_of(node);
  if (node.is_plain() || gaps == 0) return gaps;
  const std::uint64_t outer = std::uint64_t{1} | std::uint64_t{1} << (node.head.count - 1U);
  const std::uint64_t units = ((size - 1) >> (node.frame & pivot_frame::plain)) + 1;
  if (units > pivot_frame::unused) return gaps & outer;
  const std::uint32_t* const packed = node.pivot.packed;
  const auto has_room = [&](auto tag, auto starts, std::size_t at) HWY_ATTR {
    const auto room = hn::Sub(hn::LoadU(tag, packed + at + 1), starts);
    return hn::Eq(hn::Max(room, hn::Set(tag, static_cast<std::uint32_t>(units))), room);
  };
  const std::uint64_t inside = bits_where<wide_leaf::slots - 2>(packed, has_room) << 1;
  return gaps & (outer | inside);
}

HWY_INLINE std::uint64_t slots_with(const wide_inner& node, gap_size size) {
  const auto is_enough = [&](auto tag, auto codes, std::size_t)
                             HWY_ATTR { return hn::Eq(hn::Max(codes, hn::Set(tag, size.code())), codes); };
  return bits_where<wide_inner::slots>(reinterpret_cast<const std::uint16_t*>(node.gap), is_enough) &
         first_bits(node.head.count);
}

#else

constexpr target here = target::plain;

HWY_INLINE std::uint64_t gaps_of(const wide_leaf& node) { return node.gaps(); }
HWY_INLINE std::uint64_t gaps_with_room(const wide_leaf& node, std::uint64_t size) {
  return node.gaps_with_room(size);
}
HWY_INLINE std::uint64_t slots_with(const wide_inner& node, gap_size size) {
  return node.slots_with_gap(size);
}

HWY_INLINE bool has_few_slots(const wide_inner&) { return false; }
HWY_INLINE bool has_one_line(const wide_inner&) { return false; }
HWY_INLINE unsigned slot_of(const wide_inner& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned slot_of_few(const wide_inner& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned slot_by_steps(const wide_inner& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned slot_in_first_line(const wide_inner& node, std::uint64_t key) {
  return node.slot_of(key);
}
HWY_INLINE unsigned slot_of(const wide_leaf& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned slot_among(const wide_leaf& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned packed_slot_of(const wide_leaf& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned packed_slot_among(const wide_leaf& node, std::uint64_t key) { return node.slot_of(key); }

#endif

/// Whether the leaves are more than caches hold: about 300,000 ranges that were stored in no order. Then the line with the
/// slot that is found is asked for together with the pivots', all four of those in question: one wait instead of two.
/// Measured at 1,000,000 ranges: 0.65 of a dependent lookup's time, 0.73 of an independent one's. Where the leaves are near
/// it costs more than it saves (1.5 of independent lookups at 128,000, 1.9 at 30,000). find_many, with many leaves under
/// way, knows the slots of all before it reads the first, and asks for these alone.
HWY_INLINE bool is_large(link<wide_layout> top) {
  return top.level() > 3 || (top.level() == 3 && top.as_inner().slot[8] != nullptr);
}
HWY_INLINE void ask_for_slots(const wide_leaf& node) {
  for (const void* const& slot : node.slot) {
    if (reinterpret_cast<std::uintptr_t>(&slot) % 64 == 0) hwy::Prefetch(&slot);
  }
}

/// Of a root that is a leaf: where a writer is at work it is new each time, its lines are in another core's cache, and two waits
/// become one. Costs nothing where the caches hold it.
HWY_INLINE void ask_for_first_slots(const wide_leaf& node) { hwy::Prefetch(&node.slot[0]); }

void* Find(std::uintptr_t root, std::uint64_t key) {
  const auto top = link<wide_layout>::from_word(root);
  if (top.level() == 0) {
    ask_for_first_slots(top.as_leaf());
    return top.as_leaf().slot[slot_of(top.as_leaf(), key)];
  }
  const bool is_small = has_few_slots(top.as_inner());
  const unsigned first = is_small ? slot_of_few(top.as_inner(), key) : slot_of(top.as_inner(), key);
  const void* at = top.as_inner().slot[first];
  if (is_small && top.level() == 1) {  // few leaves: a branch on their form would often be mispredicted
    const auto& bottom = *static_cast<const wide_leaf*>(at);
    return bottom.slot[slot_of(bottom, key)];
  }
  for (unsigned level = top.level() - 1; level != 0; --level) {
    const auto& node = *static_cast<const wide_inner*>(at);
    at = node.slot[slot_of(node, key)];
  }
  const auto& bottom = *static_cast<const wide_leaf*>(at);
  if (is_large(top)) ask_for_slots(bottom);
  // Few of many are plain, and are predicted.
  return bottom.slot[bottom.is_plain() ? slot_of(bottom, key) : packed_slot_of(bottom, key)];
}

void Descend(std::uintptr_t root, std::uint64_t key, path_step<wide_layout>* step) {
  const auto top = link<wide_layout>::from_word(root);
  auto at = top;
  range covered{0, space_end};
  while (at.level() != 0) {
    const wide_inner& node = at.as_inner();
    const unsigned slot = slot_of(node, key);
    step[at.level()] = {at, slot, covered};
    covered = range_of(node, slot, covered);
    at = at.child(slot);
  }
  if (is_large(top)) ask_for_slots(at.as_leaf());
  step[0] = {at, slot_of(at.as_leaf(), key), covered};
}

struct vector_nodes {
  static unsigned slot_of(const wide_inner& node, std::uint64_t key) {
    return HWY_NAMESPACE::slot_of(node, key);
  }
  static unsigned slot_of(const wide_leaf& node, std::uint64_t key) {
    return HWY_NAMESPACE::slot_of(node, key);
  }
  static std::uint64_t gaps_with_room(const wide_leaf& node, std::uint64_t size) {
    return HWY_NAMESPACE::gaps_with_room(node, size);
  }
  static std::uint64_t slots_with_gap(const wide_inner& node, gap_size size) {
    return slots_with(node, size);
  }
};

std::uint64_t FindGap(std::uintptr_t root, const gap_request& wanted, bool upwards) {
  const auto top = link<wide_layout>::from_word(root);
  return upwards ? gap_search<true, wide_layout, vector_nodes>{wanted}.run(top)
                 : gap_search<false, wide_layout, vector_nodes>{wanted}.run(top);
}

unsigned SlotOfLeaf(const wide_leaf& node, std::uint64_t key) { return slot_of(node, key); }
unsigned SlotOfInner(const wide_inner& node, std::uint64_t key) { return slot_of(node, key); }
std::uint64_t Gaps(const wide_leaf& node) { return gaps_of(node); }

/// One level down for each of a group of keys. A node's first lines are asked for when it is known; those of a leaf are all that its
/// search reads, an inner node's second line is one of six.
template <unsigned Lines, class SlotOf>
HWY_INLINE void go_down(const void** at, const std::uint64_t* keys, std::size_t group, SlotOf slot_in) {
  for (std::size_t i = 0; i < group; ++i) {
    const auto& node = *static_cast<const wide_inner*>(at[i]);
    at[i] = node.slot[slot_in(node, keys[i])];
    for (unsigned line = 0; line < Lines; ++line) hwy::Prefetch(static_cast<const char*>(at[i]) + 64 * line);
  }
}

/// How find_many reads a tree's leaves. Few: searched for both forms, since a branch would often be mispredicted. Many: the outermost
/// and few others are plain, and a branch is nearly always predicted. Far: the slots are waited for together, too (0.84 of the
/// time at 1,000,000 ranges, 1.04 at 30,000).
enum class leaves { few, many, far };

HWY_INLINE leaves leaves_of(link<wide_layout> top) {
  if (is_large(top)) return leaves::far;
  const bool are_few = top.level() == 0 || (top.level() == 1 && has_few_slots(top.as_inner()));
  return are_few ? leaves::few : leaves::many;
}

template <leaves Are>
HWY_INLINE void read_leaves(const void** at, const std::uint64_t* keys, void** found, std::size_t group) {
  for (std::size_t i = 0; i < group; ++i) {
    const auto& node = *static_cast<const wide_leaf*>(at[i]);
    const bool is_packed = Are != leaves::few && !node.is_plain();
    void* const* const slot =
        &node.slot[is_packed ? packed_slot_among(node, keys[i]) : slot_among(node, keys[i])];
    if constexpr (Are == leaves::far) {
      hwy::Prefetch(slot);
      at[i] = slot;
    } else {
      found[i] = *slot;
    }
  }
  if constexpr (Are == leaves::far) {
    for (std::size_t i = 0; i < group; ++i) found[i] = *static_cast<void* const*>(at[i]);
  }
}

void FindMany(std::uintptr_t root, const std::uint64_t* keys, void** found, std::size_t count) {
  constexpr std::size_t at_once = 16;
  const auto top = link<wide_layout>::from_word(root);
  const leaves are = leaves_of(top);
  const bool is_short = top.level() == 1 && has_one_line(top.as_inner());
  const auto by_steps = [](const wide_inner& node, std::uint64_t key)
                            HWY_ATTR { return slot_by_steps(node, key); };
  const auto in_first_line = [](const wide_inner& node, std::uint64_t key)
                                 HWY_ATTR { return slot_in_first_line(node, key); };
  while (count != 0) {
    const std::size_t group = std::min(at_once, count);
    const void* at[at_once];
    std::fill_n(at, group, top.node());
    for (unsigned level = top.level(); level > 1; --level) go_down<1>(at, keys, group, by_steps);
    if (is_short) {
      go_down<0>(at, keys, group, in_first_line);
    } else if (top.level() != 0) {
      go_down<2>(at, keys, group, by_steps);
    }
    switch (are) {
      case leaves::few: read_leaves<leaves::few>(at, keys, found, group); break;
      case leaves::many: read_leaves<leaves::many>(at, keys, found, group); break;
      case leaves::far: read_leaves<leaves::far>(at, keys, found, group); break;
    }
    keys += group;
    found += group;
    count -= group;
  }
}

const functions* Functions() {
  static constexpr functions all{.which = here,
                                 .find = Find,
                                 .find_many = FindMany,
                                 .descend = Descend,
                                 .find_gap = FindGap,
                                 .slot_of_leaf = SlotOfLeaf,
                                 .slot_of_inner = SlotOfInner,
                                 .gaps = Gaps};
  return &all;
}

}  // namespace rcuvm::tree::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace rcuvm::tree::simd {

HWY_EXPORT(Functions);

namespace {

/// Highway's choice, remembered: asking it each time makes a lookup at 30,000 ranges a tenth slower. Any thread stores
/// the same.
constinit sync::atomic<const functions*> in_use{nullptr};

const functions& ask_highway() noexcept {
  const functions* const found = HWY_DYNAMIC_DISPATCH(Functions)();
  in_use.store_relaxed(found);
  return *found;
}

HWY_INLINE const functions& best() noexcept {
  const functions* const found = in_use.load_relaxed();
  if (HWY_UNLIKELY(found == nullptr)) return ask_highway();
  return *found;
}

void limit_to(target which) noexcept {
  const std::int64_t above_plain = HWY_AVX2 | HWY_AVX3;
  const std::int64_t above_avx2 = HWY_AVX3;
  hwy::DisableTargets(which == target::plain ? above_plain : which == target::avx2 ? above_avx2 : 0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  ask_highway();
}

}  // namespace

std::string_view name_of(target which) noexcept {
  switch (which) {
    case target::plain: return "plain";
    case target::avx2: return "avx2";
    case target::avx512: return "avx512";
  }
  return "?";
}

target chosen() noexcept { return best().which; }

bool choose(target which) noexcept {
  const target before = chosen();
  limit_to(which);
  if (chosen() == which) return true;
  limit_to(before);
  return false;
}

void* find(link<wide_layout> root, std::uint64_t key) noexcept { return best().find(root.word(), key); }

void find_many(link<wide_layout> root, const std::uint64_t* keys, void** found, std::size_t count) noexcept {
  best().find_many(root.word(), keys, found, count);
}

void descend(link<wide_layout> root, std::uint64_t key, path_step<wide_layout>* step) noexcept {
  best().descend(root.word(), key, step);
}

std::uint64_t find_gap(link<wide_layout> root, const gap_request& wanted, bool upwards) noexcept {
  return best().find_gap(root.word(), wanted, upwards);
}

unsigned slot_of(const leaf<wide_layout>& node, std::uint64_t key) noexcept {
  return best().slot_of_leaf(node, key);
}
unsigned slot_of(const inner<wide_layout>& node, std::uint64_t key) noexcept {
  return best().slot_of_inner(node, key);
}

std::uint64_t gaps(const leaf<wide_layout>& node) noexcept { return best().gaps(node); }

}  // namespace rcuvm::tree::simd

#endif
