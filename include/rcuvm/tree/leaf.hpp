// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The node that names records.
///
///   frame | pivot[0] .. pivot[count-2], largest number .. | slot[0] .. slot[count-1], null .. | header
///
/// slot[i] is the record of [pivot[i-1], pivot[i]), null = gap. The first slot starts and the last one ends
/// where the parent says: neither bound is stored. Two neighbouring slots are never both null, and a null slot
/// ends no leaf but the last one: a gap stands in exactly one slot of the whole tree.
///
/// Pivots stand in one of two forms, in the same two cache lines (wide_layout):
///   packed  pivot = (base + 32-bit number) << shift, for 31 slots. Where all pivots are multiples of
///           2^shift and the leaf spans less than 2^32 of them: pages of any real mapping but the outermost.
///   plain   64-bit numbers, for 16 slots. Whatever else there is: bytes, or a leaf that spans the space.
/// Why two    8 of 12 bytes of a slot are the record's address; with 64-bit pivots it would be 8 of 16, and
///            the search would read twice as many lines. Each leaf has the form that fits it, so that keys
///            may be anything.
/// The frame  holds base and shift. A shift takes the low 6 bits of a register anyway, so `key >> frame` and
///            `frame >> 6` need no mask.
///
/// The pivots open the node, since every lookup reads them; the header closes it, since taking a snapshot
/// writes a reference count and must not take the pivots' cache line away from the readers.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "rcuvm/tree/header.hpp"
#include "rcuvm/tree/layout.hpp"

namespace rcuvm::tree {

/// Base and shift of a leaf's packed pivots; or that they are plain.
class pivot_frame {
 public:
  static constexpr std::uint64_t plain = 63;  ///< no packed leaf shifts that far

  /// For a leaf [low, end) with such pivots; `plain` when they can't be packed.
  [[nodiscard]] static std::uint64_t fit(std::uint64_t low, std::uint64_t end, const std::uint64_t* pivots,
                                         unsigned count) noexcept {
    std::uint64_t bits = std::uint64_t{1} << (plain - 1);
    for (unsigned i = 0; i < count; ++i) bits |= pivots[i];
    const auto shift = static_cast<unsigned>(std::countr_zero(bits));
    const std::uint64_t base = low >> shift;
    if (((end - 1) >> shift) - base >= unused || (base >> (64 - base_shift)) != 0) return plain;
    return base << base_shift | shift;
  }

  static constexpr std::uint32_t unused = ~std::uint32_t{0};  ///< behind a leaf's last pivot
  static constexpr unsigned base_shift = 6;

  [[nodiscard]] static bool is_plain(std::uint64_t frame) noexcept { return (frame & plain) == plain; }
  /// A key of the leaf as its packed pivots are.
  [[nodiscard]] static std::uint32_t pack(std::uint64_t frame, std::uint64_t key) noexcept {
    return static_cast<std::uint32_t>((key >> (frame & plain)) - (frame >> base_shift));
  }
  [[nodiscard]] static std::uint64_t unpack(std::uint64_t frame, std::uint32_t packed) noexcept {
    return ((frame >> base_shift) + packed) << (frame & plain);
  }
};

/// A leaf's slots [0, prefix), then new ones, then its last `suffix` slots.
struct leaf_splice {
  unsigned prefix;
  unsigned suffix;
  unsigned middle = 0;
  std::uint64_t end[3];
  void* record[3];

  [[nodiscard]] unsigned count() const noexcept { return prefix + middle + suffix; }
  void push(std::uint64_t new_end, void* new_record) noexcept {
    end[middle] = new_end;
    record[middle++] = new_record;
  }
};

template <node_layout Layout>
struct alignas(64) leaf {
  using layout = Layout;
  static constexpr unsigned slots = Layout::leaf_slots;  ///< with packed pivots
  static constexpr unsigned plain_slots = tree::plain_slots<Layout>;
  static constexpr unsigned minimum = minimum_slots(plain_slots);
  static constexpr unsigned few = minimum_slots(slots);  ///< fewer take a neighbour in
  static constexpr bool has_gaps = false;

  union either {
    std::uint32_t packed[slots - 1];
    std::uint64_t plain[plain_slots - 1];
  };

  std::uint64_t frame;  ///< guard: writer while building, then immutable, as all below
  either pivot;
  void* slot[slots];
  header head;

  leaf() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the arrays alone, assign() fills them

  /// Whether so many slots with such pivots between them fit one leaf [low, end).
  [[nodiscard]] static bool can_hold(std::uint64_t low, std::uint64_t end, const std::uint64_t* pivots,
                                     unsigned count) noexcept {
    return count <= plain_slots ||
           (count <= slots && pivot_frame::fit(low, end, pivots, count - 1) != pivot_frame::plain);
  }

  /// Fills a building leaf [low, end), which can hold it. `pivots` ends with the leaf's end, as `records` do.
  void assign(std::uint64_t low, const std::uint64_t* pivots, void* const* records, unsigned count) noexcept {
    frame = pivot_frame::fit(low, pivots[count - 1], pivots, count - 1);
    if (pivot_frame::is_plain(frame)) {
      std::fill(std::copy_n(pivots, count - 1, pivot.plain), std::end(pivot.plain), space_end);
    } else {
      for (unsigned i = 0; i + 1 < count; ++i) pivot.packed[i] = pivot_frame::pack(frame, pivots[i]);
      std::fill(pivot.packed + (count - 1), std::end(pivot.packed), pivot_frame::unused);
    }
    std::fill(std::copy_n(records, count, slot), std::end(slot), nullptr);
    head.count = static_cast<std::uint16_t>(count);
  }

  /// Whether the spliced leaf has room, and its pivots can be as this one's are.
  [[nodiscard]] bool can_hold(const leaf_splice& change) const noexcept {
    if (change.count() > (is_plain() ? plain_slots : slots)) return false;
    if (is_plain()) return true;
    const std::uint64_t below_unit = (std::uint64_t{1} << (frame & pivot_frame::plain)) - 1;
    const unsigned stored = change.middle - (change.suffix == 0 ? 1 : 0);
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < stored; ++i) bits |= change.end[i];
    return (bits & below_unit) == 0;
  }

  /// Makes this building leaf what `from` becomes by the change, which it can hold. `from` may be this one.
  void splice(const leaf& from, const leaf_splice& change) noexcept {
    const unsigned before = from.head.count;
    const unsigned after = change.count();
    if (&from != this) copy_up_to_header(this, &from, offsetof(leaf, head));
    if (is_plain()) {
      splice_array(pivot.plain, from.pivot.plain, space_end, before - 1, after - 1, change, change.end);
    } else {
      std::uint32_t end[3];
      for (unsigned i = 0; i < change.middle; ++i) end[i] = pivot_frame::pack(frame, change.end[i]);
      splice_array(pivot.packed, from.pivot.packed, pivot_frame::unused, before - 1, after - 1, change, end);
    }
    splice_array(slot, from.slot, static_cast<void*>(nullptr), before, after, change, change.record);
    head.count = static_cast<std::uint16_t>(after);
  }

  [[nodiscard]] bool is_plain() const noexcept { return pivot_frame::is_plain(frame); }

  /// The slot whose range holds `key`, a key of this leaf.
  [[nodiscard]] unsigned slot_of(std::uint64_t key) const noexcept {
    return is_plain() ? count_up_to(pivot.plain, key)
                      : count_up_to(pivot.packed, pivot_frame::pack(frame, key));
  }
  /// pivot[i], i < count - 1.
  [[nodiscard]] std::uint64_t pivot_at(unsigned i) const noexcept {
    return is_plain() ? pivot.plain[i] : pivot_frame::unpack(frame, pivot.packed[i]);
  }
  /// Where a slot starts and ends, when the leaf is [low, end).
  [[nodiscard]] std::uint64_t start_of(unsigned i, std::uint64_t low) const noexcept {
    return i == 0 ? low : pivot_at(i - 1);
  }
  [[nodiscard]] std::uint64_t end_of(unsigned i, std::uint64_t end) const noexcept {
    return i + 1U == head.count ? end : pivot_at(i);
  }
  /// Copies pivot[from] .. pivot[to-1]; the last slot's is `end`.
  void copy_pivots(unsigned from, unsigned to, std::uint64_t end, std::uint64_t* out) const noexcept {
    const unsigned stored = std::min(to, head.count - 1U);
    if (is_plain()) {
      for (unsigned i = from; i < stored; ++i) out[i - from] = pivot.plain[i];
    } else {
      for (unsigned i = from; i < stored; ++i) out[i - from] = pivot_frame::unpack(frame, pivot.packed[i]);
    }
    if (stored != to) out[to - 1 - from] = end;
  }

  /// Bit i: slot i is a gap.
  [[nodiscard]] std::uint64_t gaps() const noexcept {
    std::uint64_t found = 0;
    for (unsigned i = 0; i < head.count; ++i) found |= std::uint64_t{slot[i] == nullptr} << i;
    return found;
  }

  /// Bit i: slot i is a gap, and may have room for `size` keys. That of the first and the last slot is not known here.
  [[nodiscard]] std::uint64_t gaps_with_room(std::uint64_t size) const noexcept {
    std::uint64_t found = 0;
    for (unsigned i = 0; i < head.count; ++i) {
      const bool is_outer = i == 0 || i + 1U == head.count;
      const bool has_room = slot[i] == nullptr && (is_outer || pivot_at(i) - pivot_at(i - 1) >= size);
      found |= std::uint64_t{has_room} << i;
    }
    return found;
  }

  /// Size of the largest gap, in keys, when the leaf is [low, end).
  [[nodiscard]] std::uint64_t largest_gap(std::uint64_t low, std::uint64_t end) const noexcept {
    std::uint64_t largest = 0;
    for (unsigned i = 0; i < head.count; ++i) {
      if (slot[i] == nullptr) largest = std::max(largest, end_of(i, end) - start_of(i, low));
    }
    return largest;
  }

 private:
  /// `before` and `after`: how many values there are. Reads `from` rather than the copy of it that was just
  /// made, which has not left the store buffer.
  template <class Value, std::size_t Room>
  static void splice_array(Value (&to)[Room], const Value (&from)[Room], Value unused, unsigned before,
                           unsigned after, const leaf_splice& change, const Value* middle) noexcept {
    const unsigned moved_to = change.prefix + change.middle;
    if (moved_to < after) {
      const unsigned moved = after - moved_to;
      if (moved_to != before - moved || &to != &from)
        std::memmove(&to[moved_to], &from[before - moved], moved * sizeof(Value));
    }
    for (unsigned i = change.prefix; i < std::min(moved_to, after); ++i) to[i] = middle[i - change.prefix];
    for (unsigned i = after; i < before; ++i) to[i] = unused;
  }
};

}  // namespace rcuvm::tree
