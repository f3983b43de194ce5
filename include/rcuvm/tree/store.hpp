// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The stores of a transaction, each from an exact fit to one that spans many nodes.
///
///   before     [ a b ][ c d e ][ f g ]         store over  b .. f
///              left ^^ dropped ^^ right
///   sequence   a | new | g                     trimmed, gaps joined
///   after      [ a new g ]                     cut into even nodes
///
/// Two paths lead to the leaves that hold the range's first and last key. Level by level from the leaves up,
/// the slots left of the left path, the new nodes of the level below and the slots right of the right path
/// make the new contents of all nodes between the paths. Where these would end in a gap, the next leaf is
/// taken in, so that the gap stands at the head of a node; where they are few, or too many for a node,
/// neighbours are.
/// Taking in moves a path to the neighbour, whichever parent it hangs under; so the level above is worked out
/// in the same way. When the contents cover their whole level and fit one node, that is the root.
///
/// Nodes are copied unless they are building: then the store writes into them once nothing can fail any more.
/// Failure (no memory) leaves the tree and the ledger as they were.
/// The left path outlives a store that changes one leaf alone: where the next one is near, it need not descend.
/// Stores that rise, each behind the one before, cut a full leaf where the next one will go on, not in its middle.
///
/// Writers   the transaction's thread. Cost: one node copied per level, unless nodes fill up or empty.
/// Kernel    mas_store_gfp, mas_wr_spanning_store, mas_wr_bnode, in one.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/find.hpp"
#include "rcuvm/tree/gap_size.hpp"
#include "rcuvm/tree/ledger.hpp"
#include "rcuvm/tree/path.hpp"
#include "rcuvm/tree/sequence.hpp"

namespace rcuvm::tree {

/// IsCounted: the ledger lists records that gain and lose slots.
template <class Layout, bool IsCounted>
class range_store {
 public:
  explicit range_store(ledger<Layout>& book) noexcept : book_{book} {}

  /// Makes `root` the new one; false, and it stays, when there is no memory. `where` is not empty, and `root` is
  /// what the run before has made of it, if there was one.
  /// Not an optional: building one stores narrow and loads wide, and that load would wait until all the copied
  /// nodes have left the store buffer.
  [[nodiscard]] bool run(range where, void* record, link<Layout>& root) noexcept {
    begin(root);
    if (root_.is_null()) return plant(where, record, root);
    find_left(where.start);
    if (record == nullptr && is_gap(where)) return true;
    leaf_splice change;
    const bool is_started =
        is_one_leaf(where, record, change) ? start_in_leaf(where, record, change) : start(where, record);
    if (!is_started) return give_up();
    while (!is_done_) {
      const unsigned level = pieces_level_ + 1;
      if (is_one_for_one(level)) {
        if (!replace_child(level)) return give_up();
        continue;
      }
      sequence<inner<Layout>> above{level <= root_.level() ? left_[level].covered.start : 0};
      collect(level, above);
      if (!balance(level, above) || !place(level, above)) return give_up();
    }
    previous_end_ = record != nullptr ? where.end : no_end;
    return finish(root);
  }

 private:
  static constexpr std::uint64_t no_end = space_end;  ///< where no slot starts
  static constexpr unsigned no_level = ~0U;           ///< above all levels

  struct piece {
    std::uint64_t end;
    void* node;
    gap_size gap;
  };

  void begin(link<Layout> root) noexcept {
    start_ = book_.now();
    root_ = root;
    touched_.shrink_to(0);
    is_done_ = false;
    stop_level_ = no_level;
  }

  void find_left(std::uint64_t key) noexcept {
    if (has_left_ && left_[0].covered.contains(key)) {
      left_.turn_in_leaf(slot_in(left_leaf(), key));
    } else {
      left_.descend(root_, key);
      has_left_ = true;
    }
  }

  [[nodiscard]] const leaf<Layout>& left_leaf() const noexcept { return left_[0].node.as_leaf(); }
  [[nodiscard]] const leaf<Layout>& right_leaf() const noexcept { return right_[0].node.as_leaf(); }

  /// The first leaf of a tree.
  [[nodiscard]] bool plant(range where, void* record, link<Layout>& root) noexcept {
    if (record == nullptr) return true;
    if (IsCounted && !book_.added.push(record)) return give_up();
    auto* node = book_.template make<leaf<Layout>>(0);
    if (node == nullptr) return give_up();
    sequence<leaf<Layout>> contents{0};
    if (where.start != 0) contents.push(where.start, nullptr);
    contents.push(where.end, record);
    if (where.end != space_end) contents.push(space_end, nullptr);
    contents.write(*node, 0, contents.count());
    root = {node, 0};
    return true;
  }

  /// Whether there is nothing to erase.
  [[nodiscard]] bool is_gap(range where) const noexcept {
    const auto& [node, slot, covered] = left_[0];
    return left_leaf().slot[slot] == nullptr && where.end <= left_leaf().end_of(slot, covered.end);
  }

  /// Whether the store changes one leaf alone, which stays of legal size and form, as nearly all do. Then
  /// `change` is how, and the right path stands beside the left one.
  [[nodiscard]] bool is_one_leaf(range where, void* record, leaf_splice& change) noexcept {
    const range covered = left_[0].covered;
    if (where.end > covered.end) return false;
    const leaf<Layout>& old = left_leaf();
    const unsigned first = left_[0].slot;
    const std::uint64_t first_end = old.end_of(first, covered.end);
    const unsigned last = where.end <= first_end ? first : slot_in(old, where.end - 1);
    const std::uint64_t last_end = last == first ? first_end : old.end_of(last, covered.end);
    bool stays_left = left_start() < where.start;
    bool stays_right = where.end < last_end;
    std::uint64_t end = where.end;
    change.prefix = first;
    change.suffix = old.head.count - 1U - last;
    if (record == nullptr) {  // gaps join
      if (stays_left) {
        stays_left = old.slot[first] != nullptr;
      } else if (first != 0 && old.slot[first - 1] == nullptr) {
        --change.prefix;
      }
      if (stays_right) {
        stays_right = old.slot[last] != nullptr;
        if (!stays_right) end = last_end;
      } else if (change.suffix != 0 && old.slot[last + 1] == nullptr) {
        end = old.end_of(last + 1, covered.end);
        --change.suffix;
      }
    }
    if (stays_left) change.push(where.start, old.slot[first]);
    change.push(end, record);
    if (stays_right) change.push(last_end, old.slot[last]);

    const bool ends_in_gap = change.suffix == 0 && change.record[change.middle - 1] == nullptr;
    const unsigned fewest_below = old.head.is_building() ? leaf<Layout>::minimum : leaf<Layout>::few;
    const unsigned fewest = root_.level() == 0 ? (ends_in_gap ? 2 : 1) : fewest_below;
    if (change.count() < fewest || (ends_in_gap && covered.end != space_end) || !old.can_hold(change))
      return false;
    right_.stand_beside(left_, last);
    return true;
  }

  /// Changes that leaf.
  [[nodiscard]] bool start_in_leaf(range where, void* record, const leaf_splice& change) noexcept {
    leaf<Layout>& old = left_[0].node.as_leaf();
    const bool is_in_place = old.head.is_building();  // so is all above
    if ((!is_in_place && !open_paths()) || !note_records(where, record)) return false;
    const range covered = left_[0].covered;
    const gap_size largest = largest_gap(old, covered, change);
    if (is_in_place) {
      old.splice(old, change);
      raise_gap(0, largest);
      return done(root_, 0);
    }
    auto* node = book_.template make<leaf<Layout>>(0);
    if (node == nullptr) return false;
    node->splice(old, change);
    left_.replace(0, node);
    set_piece(0, covered.end, node, largest);
    pieces_ = 1;
    pieces_level_ = 0;
    return root_.level() != 0 || done({node, 0}, no_level);
  }

  /// Size of the largest gap after the change. Asks the old leaf, see replace_child.
  [[nodiscard]] gap_size largest_gap(const leaf<Layout>& old, range covered,
                                     const leaf_splice& change) const noexcept {
    const unsigned suffix_at = old.head.count - change.suffix;
    std::uint64_t largest = 0;
    std::uint64_t start = old.start_of(change.prefix, covered.start);
    const std::uint64_t changed_from = start;
    for (unsigned i = 0; i < change.middle; ++i) {
      if (change.record[i] == nullptr) largest = std::max(largest, change.end[i] - start);
      start = change.end[i];
    }
    if (root_.level() != 0) {
      std::uint64_t largest_gone = 0;
      start = changed_from;
      for (unsigned slot = change.prefix; slot < suffix_at; ++slot) {
        const std::uint64_t end = old.end_of(slot, covered.end);
        if (old.slot[slot] == nullptr) largest_gone = std::max(largest_gone, end - start);
        start = end;
      }
      // Then it stands among the slots that stay.
      const gap_size before = known_gap(0);
      if (gap_size::round_up(largest_gone) < before) return std::max(before, gap_size::round_up(largest));
    }
    const std::uint64_t prefix_bits = (std::uint64_t{1} << change.prefix) - 1;
    const std::uint64_t suffix_bits = ~std::uint64_t{0} << suffix_at;
    for (std::uint64_t left = gaps_of(old) & (prefix_bits | suffix_bits); left != 0; left &= left - 1) {
      const range gap = range_of(old, static_cast<unsigned>(std::countr_zero(left)), covered);
      largest = std::max(largest, gap.size());
    }
    return gap_size::round_up(largest);
  }
  /// What the parent of the left path's node says of it.
  [[nodiscard]] gap_size known_gap(unsigned level) const noexcept {
    const auto& above = left_[level + 1];
    return above.node.as_inner().gap[above.slot];
  }

  /// Changes the leaves that hold the range, however many.
  [[nodiscard]] bool start(range where, void* record) noexcept {
    const bool is_rising = record != nullptr && left_start() == previous_end_;
    has_left_ = false;
    right_.descend_beside(left_, root_, where.end - 1);
    if (!open_paths() || !drop_between() || !note_records(where, record)) return false;
    sequence<leaf<Layout>> contents{left_[0].covered.start};
    const unsigned behind_new = collect(where, record, contents);
    if (contents.ends_in_gap() && contents.end() != space_end && !take_right(0, contents)) return false;
    if (!(is_rising ? balance_rising(contents, behind_new) : balance(0, contents))) return false;
    if (contents.count() == 1 && contents.ends_in_gap()) return done({}, no_level);
    return place(0, contents);
  }

  /// Notes all nodes on the two paths as replaced.
  [[nodiscard]] bool open_paths() noexcept {
    for (unsigned level = root_.level() + 1; level-- != 0;) {
      if (!open(left_[level].node)) return false;
      if (right_[level].node != left_[level].node && !open(right_[level].node)) return false;
    }
    return true;
  }
  [[nodiscard]] bool open(link<Layout> node) noexcept {
    return touched_.push(node) && book_.opened.reserve(touched_.size());
  }

  /// Notes the subtrees that hang between the two paths as gone.
  [[nodiscard]] bool drop_between() noexcept {
    for (unsigned level = root_.level(); level != 0; --level) {
      const auto& left = left_[level];
      const auto& right = right_[level];
      if (left.node == right.node) {
        if (!drop(left.node, left.slot + 1, right.slot)) return false;
      } else if (!drop(left.node, left.slot + 1, left.node.head().count) ||
                 !drop(right.node, 0, right.slot)) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] bool drop(link<Layout> node, unsigned from, unsigned to) noexcept {
    for (unsigned slot = from; slot < to; ++slot) {
      if (!book_.dropped.push(node.child(slot))) return false;
    }
    return true;
  }

  /// Notes which records gain and lose slots of the two leaves. Those of dropped leaves go with the leaf.
  [[nodiscard]] bool note_records(range where, void* record) noexcept {
    if constexpr (!IsCounted) return true;
    if (record != nullptr && !book_.added.push(record)) return false;
    const leaf<Layout>& left = left_leaf();
    const leaf<Layout>& right = right_leaf();
    const unsigned first = left_[0].slot;
    const unsigned last = right_[0].slot;
    const bool stays_left = left_start() < where.start;
    const bool stays_right = where.end < right_end();
    if (&left == &right) {
      if (first == last && stays_left && stays_right) return note(book_.added, left, first, first + 1);
      return note(book_.removed, left, first + (stays_left ? 1 : 0), last + (stays_right ? 0 : 1));
    }
    return note(book_.removed, left, first + (stays_left ? 1 : 0), left.head.count) &&
           note(book_.removed, right, 0, last + (stays_right ? 0 : 1));
  }
  [[nodiscard]] static bool note(pile<void*>& list, const leaf<Layout>& node, unsigned from,
                                 unsigned to) noexcept {
    for (unsigned slot = from; slot < to; ++slot) {
      if (node.slot[slot] != nullptr && !list.push(node.slot[slot])) return false;
    }
    return true;
  }

  /// Where the slot at which the left path ends starts, and that of the right path ends.
  [[nodiscard]] std::uint64_t left_start() const noexcept {
    return left_leaf().start_of(left_[0].slot, left_[0].covered.start);
  }
  [[nodiscard]] std::uint64_t right_end() const noexcept {
    return right_leaf().end_of(right_[0].slot, right_[0].covered.end);
  }

  /// The new contents of the leaves. Returns the slot behind the new one.
  unsigned collect(range where, void* record, sequence<leaf<Layout>>& contents) const noexcept {
    const leaf<Layout>& left = left_leaf();
    const leaf<Layout>& right = right_leaf();
    contents.append(left, left_[0].covered.end, 0, left_[0].slot);
    if (left_start() < where.start) contents.push(where.start, left.slot[left_[0].slot]);
    contents.push(where.end, record);
    const unsigned behind_new = contents.count();
    if (where.end < right_end()) contents.push(right_end(), right.slot[right_[0].slot]);
    contents.append(right, right_[0].covered.end, right_[0].slot + 1, right.head.count);
    return behind_new;
  }

  /// The new contents of an inner level, around the new nodes of the level below.
  void collect(unsigned level, sequence<inner<Layout>>& contents) const noexcept {
    const bool is_new_level = level > root_.level();
    if (!is_new_level)
      contents.append(left_[level].node.as_inner(), left_[level].covered.end, 0, left_[level].slot);
    for (unsigned i = 0; i < pieces_; ++i) contents.push(piece_[i].end, piece_[i].node, piece_[i].gap);
    if (is_new_level) return;
    const inner<Layout>& right = right_[level].node.as_inner();
    contents.append(right, right_[level].covered.end, right_[level].slot + 1, right.head.count);
  }

  /// Takes neighbours in when the contents are few, or too many for a node.
  template <class Node>
  [[nodiscard]] bool balance(unsigned level, sequence<Node>& contents) noexcept {
    if (level > root_.level()) return true;
    if (contents.count() < Node::few) return fill_up(level, contents);
    return contents.fits(0, contents.count()) || spread(level, contents);
  }

  /// The same for leaves whose next store is likely to come behind the new slot: what is before it fills its leaf, with the
  /// neighbour before it if there is little behind.
  [[nodiscard]] bool balance_rising(sequence<leaf<Layout>>& contents, unsigned behind_new) noexcept {
    const bool has_room_before = root_.level() != 0 && left_[1].slot != 0 &&
                                 left_[1].node.child(left_[1].slot - 1U).head().count < most_before_rising;
    if (!contents.fits(0, contents.count()) && has_room_before &&
        contents.count() - behind_new < leaf<Layout>::minimum) {
      const unsigned without = contents.count();
      if (!take_left(0, contents)) return false;
      behind_new += contents.count() - without;
    }
    return contents.cut_in_two(behind_new) || balance(0, contents);
  }
  static constexpr unsigned most_before_rising = leaf<Layout>::slots - leaf<Layout>::slots / 8;

  /// Takes a neighbour in; the whole level may be as short as it is.
  template <class Node>
  [[nodiscard]] bool fill_up(unsigned level, sequence<Node>& contents) noexcept {
    const unsigned left_turn = left_.level_of_left_turn(level);
    const unsigned right_turn = right_.level_of_right_turn(level);
    if (left_turn == 0 && right_turn == 0) return true;
    const bool is_left_nearer = right_turn == 0 || (left_turn != 0 && left_turn <= right_turn);
    return is_left_nearer ? take_left(level, contents) : take_right(level, contents);
  }

  /// Shares what is too much for a node with one neighbour if that has room, else with both. Under random
  /// stores leaves stay seven eighths full (27 of 31 slots measured), where halving a full one leaves two
  /// thirds. (B*-tree: Knuth, TAOCP 3, 6.2.4.)
  template <class Node>
  [[nodiscard]] bool spread(unsigned level, sequence<Node>& contents) noexcept {
    if (level == root_.level()) return true;
    const auto room_of = [&](unsigned slot) {
      return Node::slots - left_[level + 1].node.child(slot).head().count;
    };
    const auto has_place_for = [&](unsigned nodes) {
      return contents.count() + nodes * Node::slots <= sequence<Node>::capacity;
    };
    const unsigned left_slot = left_[level + 1].slot;
    const unsigned right_slot = right_[level + 1].slot;
    const bool has_left = left_slot != 0;
    const bool has_right = left_[level + 1].node == right_[level + 1].node &&
                           right_slot + 1U < right_[level + 1].node.head().count;
    if (!has_left && !has_right) return true;
    const unsigned left_room = has_left ? room_of(left_slot - 1) : 0;
    const unsigned right_room = has_right ? room_of(right_slot + 1) : 0;
    const unsigned too_many = contents.count() - std::min(contents.count(), Node::slots);
    const bool is_one_enough = std::max(left_room, right_room) >= too_many + Node::slots / 8;
    if (is_one_enough || has_left != has_right) {
      if (!has_place_for(1)) return true;
      const bool is_left = has_left && (left_room > right_room || !has_right);
      return is_left ? take_left(level, contents) : take_right(level, contents);
    }
    if (!has_place_for(2)) return true;
    return take_left(level, contents) && take_right(level, contents);
  }

  /// Moves the left path to the node before it, and takes all of that in.
  template <class Node>
  [[nodiscard]] bool take_left(unsigned level, sequence<Node>& contents) noexcept {
    const unsigned turn = left_.level_of_left_turn(level);
    left_.turn_left(turn, level);
    contents.prepend(*static_cast<const Node*>(left_[level].node.node()), left_[level].covered.start);
    return open_below(left_, turn, level);
  }
  template <class Node>
  [[nodiscard]] bool take_right(unsigned level, sequence<Node>& contents) noexcept {
    const unsigned turn = right_.level_of_right_turn(level);
    right_.turn_right(turn, level);
    const auto& node = *static_cast<const Node*>(right_[level].node.node());
    contents.append(node, right_[level].covered.end, 0, node.head.count);
    return open_below(right_, turn, level);
  }
  [[nodiscard]] bool open_below(const path<Layout>& way, unsigned turn, unsigned level) noexcept {
    while (turn-- != level) {
      if (!open(way[turn].node)) return false;
    }
    return true;
  }

  /// Turns a level's contents into nodes: into the node that is there, when it is building and they fit it,
  /// else new ones.
  template <class Node>
  [[nodiscard]] bool place(unsigned level, const sequence<Node>& contents) noexcept {
    const bool is_whole_level = level >= root_.level() || (left_.level_of_left_turn(level) == 0 &&
                                                           right_.level_of_right_turn(level) == 0);
    if (level <= root_.level() && left_[level].node == right_[level].node &&
        left_[level].node.head().is_building() && contents.fits(0, contents.count())) {
      contents.write(*static_cast<Node*>(left_[level].node.node()), 0, contents.count());
      raise_gap(level, contents.largest_gap(0, contents.count()));
      return done(root_, level);
    }
    const auto cuts = contents.cut();
    unsigned from = 0;
    for (unsigned i = 0; i < cuts.pieces; ++i) {
      Node* node = book_.template make<Node>(level);
      if (node == nullptr) return false;
      contents.write(*node, from, cuts.end[i]);
      set_piece(i, contents.start_of(cuts.end[i]), node, contents.largest_gap(from, cuts.end[i]));
      from = cuts.end[i];
    }
    pieces_ = cuts.pieces;
    pieces_level_ = level;
    if (is_whole_level && pieces_ == 1) return done({piece_[0].node, level}, no_level);
    return true;
  }
  /// Member by member: a whole copy would load what was just stored, in another width, and wait for it.
  void set_piece(unsigned i, std::uint64_t end, void* node, gap_size gap) noexcept {
    piece_[i].end = end;
    piece_[i].node = node;
    piece_[i].gap = gap;
  }

  /// One new node stands for one old one, over the same range.
  [[nodiscard]] bool is_one_for_one(unsigned level) const noexcept {
    return level <= root_.level() && pieces_ == 1 && left_[level].node == right_[level].node &&
           left_[level].slot == right_[level].slot;
  }
  /// What collect() and place() would do then, without a look at the other slots.
  [[nodiscard]] bool replace_child(unsigned level) noexcept {
    const link<Layout> old = left_[level].node;
    inner<Layout>* node = &old.as_inner();
    const bool is_in_place = old.head().is_building();
    if (!is_in_place) {
      node = book_.template make<inner<Layout>>(level);
      if (node == nullptr) return false;
      node->copy_slots(old.as_inner());
    }
    // Asks the old nodes: what has just been copied can't be loaded again before it has left the store buffer.
    const unsigned slot = left_[level].slot;
    gap_size largest = piece_[0].gap;
    if (level != root_.level())
      largest = old.as_inner().gap[slot] == piece_[0].gap
                    ? known_gap(level)
                    : old.as_inner().largest_gap_with(slot, piece_[0].gap);
    node->slot[slot] = piece_[0].node;
    node->gap[slot] = piece_[0].gap;
    if (is_in_place) {
      raise_gap(level, largest);
      return done(root_, level);
    }
    left_.replace(level, node);
    set_piece(0, left_[level].covered.end, node, largest);
    pieces_level_ = level;
    return level != root_.level() || done({node, level}, no_level);
  }

  [[nodiscard]] bool done(link<Layout> root, unsigned stop_level) noexcept {
    result_ = root;
    stop_level_ = stop_level;
    is_done_ = true;
    return true;
  }

  /// Tells the building nodes above a changed one how large its largest gap is now.
  void raise_gap(unsigned level, gap_size largest) noexcept {
    while (++level <= root_.level()) {
      inner<Layout>& above = left_[level].node.as_inner();
      const gap_size before = std::exchange(above.gap[left_[level].slot], largest);
      if (before == largest || level == root_.level()) return;
      const gap_size known = known_gap(level);
      if (largest >= known) continue;
      if (before < known) return;  // it is another slot's
      largest = above.largest_gap();
    }
  }

  /// Nothing can fail any more. From stop_level_ up, the building nodes of the paths stay.
  [[nodiscard]] bool finish(link<Layout>& root) noexcept {
    for (const link<Layout> node : touched_) {
      if (!node.head().is_building()) {
        book_.opened.push_reserved(node);
      } else if (node.level() < stop_level_) {
        book_.free_building(node);
      }
    }
    root = result_;
    return true;
  }
  [[nodiscard]] bool give_up() noexcept {
    has_left_ = false;
    book_.roll_back(start_);
    return false;
  }

  ledger<Layout>& book_;
  typename ledger<Layout>::mark start_{};
  link<Layout> root_{};
  path<Layout> left_;
  bool has_left_ = false;                ///< it leads to a leaf of the root as it is
  std::uint64_t previous_end_ = no_end;  ///< of what was stored last
  path<Layout> right_;
  pile<link<Layout>, 32> touched_;  ///< nodes of the paths, before and after they were moved

  std::array<piece, max_pieces<Layout>> piece_;  ///< the new nodes of pieces_level_
  unsigned pieces_ = 0;
  unsigned pieces_level_ = 0;

  bool is_done_ = false;
  link<Layout> result_{};
  unsigned stop_level_ = no_level;
};

}  // namespace rcuvm::tree
