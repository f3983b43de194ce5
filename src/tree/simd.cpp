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

/// Bit i: numbers[i], for each lane of a vector, is below `bound`.
template <class Number>
HWY_INLINE std::uint64_t bits_below(const Number* numbers, hn::Vec<hn::ScalableTag<Number>> bound) {
  const hn::ScalableTag<Number> tag;
  std::uint64_t bits = 0;
  hn::StoreMaskBits(tag, hn::Lt(hn::Load(tag, numbers), bound), reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

/// The same for a cache line of numbers.
HWY_INLINE std::uint64_t line_below(const std::uint64_t* line,
                                    hn::Vec<hn::ScalableTag<std::uint64_t>> bound) {
  constexpr unsigned lanes = hn::MaxLanes(hn::ScalableTag<std::uint64_t>{});
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 8; i += lanes) bits |= bits_below(line + i, bound) << i;
  return bits;
}

HWY_INLINE std::uint64_t first_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

/// How many of numbers[First] .. numbers[Last-1] are below `bound`. The numbers start, and the last of them ends, a
/// cache line.
template <unsigned First, unsigned Last, class Number>
HWY_INLINE unsigned count_below(const Number* numbers, Number bound) {
  const hn::ScalableTag<Number> tag;
  constexpr unsigned lanes = hn::MaxLanes(tag);
  static_assert(Last % lanes == 0);
  const auto bounds = hn::Set(tag, bound);
  std::size_t below = 0;
  for (unsigned i = First / lanes * lanes; i < Last; i += lanes) {
    const std::uint64_t bits = bits_below(numbers + i, bounds);
    below += hwy::PopCount(i < First ? bits & ~first_bits(First - i) : bits);
  }
  return static_cast<unsigned>(below);
}

/// All lines at once: the fewest loads that wait for another, for a key that is alone.
template <unsigned Lines = separators<wide_layout> + 2>
HWY_INLINE unsigned slot_of(const wide_inner& node, std::uint64_t key) {
  return count_below<separators<wide_layout>, Lines * wide_inner::pivots_a_line>(node.separator.data(),
                                                                                 key + 1);
}

/// Only a root may have few slots. The branch is the same for each key, and saves a lookup among 40 ranges a seventh of
/// its time (a third, where lookups overlap).
HWY_INLINE unsigned slot_of_root(const wide_inner& node, std::uint64_t key) {
  return node.separator[0] == space_end ? slot_of<2>(node, key) : slot_of(node, key);
}

/// Two lines, one after the other: the fewest instructions, for a key among others.
HWY_INLINE unsigned slot_of_by_steps(const wide_inner& node, std::uint64_t key) {
  constexpr unsigned separators = tree::separators<wide_layout>;
  constexpr std::size_t pivots_a_line = wide_inner::pivots_a_line;
  const auto bound = hn::Set(hn::ScalableTag<std::uint64_t>{}, key + 1);
  const std::uint64_t* const first = node.separator.data();
  const std::uint64_t below = line_below(first, bound);
  const std::size_t lines = hwy::PopCount(below & ((1U << separators) - 1));
  const std::uint64_t* const last = first + (lines + 1) * pivots_a_line;
  return static_cast<unsigned>(hwy::PopCount(below >> separators) + lines * pivots_a_line +
                               hwy::PopCount(line_below(last, bound)));
}

/// Of a leaf whose pivots are packed.
HWY_INLINE unsigned packed_slot_of(const wide_leaf& node, std::uint64_t key) {
  return count_below<2, wide_leaf::slots + 1>(reinterpret_cast<const std::uint32_t*>(&node.frame),
                                              pivot_frame::pack(node.frame, key) + 1);
}

/// Both forms of pivots, so that a tree with both costs no mispredicted branch. The frame stands before them.
HWY_INLINE unsigned slot_of(const wide_leaf& node, std::uint64_t key) {
  const std::uint64_t frame = node.frame;
  const unsigned plain = count_below<1, wide_leaf::plain_slots>(&node.frame, key + 1);
  const unsigned packed = packed_slot_of(node, key);
  const unsigned take_plain = 0U - static_cast<unsigned>(pivot_frame::is_plain(frame));
  return packed ^ ((packed ^ plain) & take_plain);
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

HWY_INLINE unsigned slot_of(const wide_inner& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned slot_of_root(const wide_inner& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned slot_of_by_steps(const wide_inner& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned packed_slot_of(const wide_leaf& node, std::uint64_t key) { return node.slot_of(key); }
HWY_INLINE unsigned slot_of(const wide_leaf& node, std::uint64_t key) { return node.slot_of(key); }

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
  const void* at = top.node();
  unsigned level = top.level();
  if (level != 0) {
    at = top.as_inner().slot[slot_of_root(top.as_inner(), key)];
    --level;
  } else {
    ask_for_first_slots(top.as_leaf());
  }
  for (; level != 0; --level) {
    const auto& node = *static_cast<const wide_inner*>(at);
    at = node.slot[slot_of(node, key)];
  }
  const auto& bottom = *static_cast<const wide_leaf*>(at);
  if (is_large(top)) ask_for_slots(bottom);
  const bool is_packed =
      top.level() > 1 && !bottom.is_plain();  // few of so many are plain, and are predicted
  return bottom.slot[is_packed ? packed_slot_of(bottom, key) : slot_of(bottom, key)];
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

void FindMany(std::uintptr_t root, const std::uint64_t* keys, void** found, std::size_t count) {
  constexpr std::size_t at_once = 16;
  const auto top = link<wide_layout>::from_word(root);
  // The outermost leaves are plain. Where they are few of many, a branch is nearly always predicted.
  const bool has_few_plain = top.level() > 1 || (top.level() == 1 && top.head().count > 16);
  // 0.84 of the time at 1,000,000 ranges, 1.04 at 30,000.
  const bool asks_for_slots = is_large(top);
  for (std::size_t first = 0; first < count; first += at_once) {
    const std::size_t group = std::min(at_once, count - first);
    const void* at[at_once];
    std::fill_n(at, group, top.node());
    for (unsigned level = top.level(); level != 0; --level) {
      for (std::size_t i = 0; i < group; ++i) {
        const auto& node = *static_cast<const wide_inner*>(at[i]);
        at[i] = node.slot[slot_of_by_steps(node, keys[first + i])];
        hwy::Prefetch(static_cast<const char*>(at[i]));
        hwy::Prefetch(static_cast<const char*>(at[i]) + 64);
      }
    }
    for (std::size_t i = 0; i < group; ++i) {
      const auto& bottom = *static_cast<const wide_leaf*>(at[i]);
      const std::uint64_t key = keys[first + i];
      const bool is_packed = has_few_plain && !bottom.is_plain();
      at[i] = &bottom.slot[is_packed ? packed_slot_of(bottom, key) : slot_of(bottom, key)];
      if (asks_for_slots) {
        hwy::Prefetch(static_cast<const char*>(at[i]));
      } else {
        found[first + i] = *static_cast<void* const*>(at[i]);
      }
    }
    if (asks_for_slots) {
      for (std::size_t i = 0; i < group; ++i) found[first + i] = *static_cast<void* const*>(at[i]);
    }
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
