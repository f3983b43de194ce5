// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One store of a range, from an exact fit to one that spans many nodes.
///
///   before     [ a b ][ c d e ][ f g ]         store over  b .. f
///              left ^^ dropped ^^ right
///   sequence   a | new | g                     trimmed, gaps joined
///   after      [ a new g ]                     cut into even nodes
///
/// Two paths lead to the leaves that hold the range's first and last key. Level by level from the leaves up,
/// the slots left of the left path, the new nodes of the level below and the slots right of the right path
/// make the new contents of all nodes between the paths. Where these would end in a gap, the next leaf is
/// taken in, so that the gap stands at the head of a node; where they are too few for a node, a neighbour is.
/// Taking in moves a path to the neighbour, whichever parent it hangs under; so the level above is worked out
/// in the same way. When the contents cover their whole level and fit one node, that is the root.
///
/// Nodes are copied unless they are building: then the store writes into them once nothing can fail any more.
/// Failure (no memory) leaves the tree and the ledger as they were.
///
/// Writers   the transaction's thread. Cost: one node copied per level, unless nodes fill up or empty.
/// Kernel    mas_store_gfp, mas_wr_spanning_store, mas_wr_bnode, in one.

#include <array>
#include <cstdint>
#include <optional>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/ledger.hpp"
#include "rcuvm/tree/path.hpp"
#include "rcuvm/tree/sequence.hpp"

namespace rcuvm::tree {

/// Used for one store. IsCounted: the ledger lists records that gain and lose slots.
template <class Layout, bool IsCounted>
class range_store {
 public:
  range_store(ledger<Layout>& book, link<Layout> root) noexcept
      : book_{book}, start_{book.now()}, root_{root} {}

  /// The new root; nothing when there is no memory. `where` is not empty.
  [[nodiscard]] std::optional<link<Layout>> run(range where, void* record) noexcept {
    if (root_.is_null()) return plant(where, record);
    left_.descend(root_, where.start);
    right_.descend_beside(left_, root_, where.end - 1);
    if (record == nullptr && left_[0].node == right_[0].node && left_[0].slot == right_[0].slot &&
        left_leaf().slot[left_[0].slot] == nullptr) {
      return root_;
    }
    if (!open_paths() || !drop_between() || !note_records(where, record)) return give_up();

    sequence<leaf<Layout>> contents{left_[0].low};
    collect(where, record, contents);
    if (contents.ends_in_gap() && contents.end() != space_end && !take_right(0, contents)) return give_up();
    if (!fill_up(0, contents)) return give_up();
    if (contents.count() == 1 && contents.ends_in_gap()) return finish({}, no_level);
    if (!place(0, contents)) return give_up();

    while (!is_done_) {
      const unsigned level = pieces_level_ + 1;
      if (is_one_for_one(level)) {
        if (!replace_child(level)) return give_up();
        continue;
      }
      sequence<inner<Layout>> above{level <= root_.level() ? left_[level].low : 0};
      collect(level, above);
      if (!fill_up(level, above) || !place(level, above)) return give_up();
    }
    return finish(result_, stop_level_);
  }

 private:
  static constexpr unsigned no_level = ~0U;  ///< above all levels

  struct piece {
    std::uint64_t end;
    void* node;
    std::uint64_t gap;
  };

  [[nodiscard]] const leaf<Layout>& left_leaf() const noexcept { return left_[0].node.as_leaf(); }
  [[nodiscard]] const leaf<Layout>& right_leaf() const noexcept { return right_[0].node.as_leaf(); }

  /// The first leaf of a tree.
  [[nodiscard]] std::optional<link<Layout>> plant(range where, void* record) noexcept {
    if (record == nullptr) return root_;
    if (IsCounted && !book_.added.push(record)) return give_up();
    auto* node = book_.template make<leaf<Layout>>(0);
    if (node == nullptr) return give_up();
    sequence<leaf<Layout>> contents{0};
    if (where.start != 0) contents.push(where.start, nullptr);
    contents.push(where.end, record);
    if (where.end != space_end) contents.push(space_end, nullptr);
    contents.write(*node, 0, contents.count());
    return link<Layout>{node, 0};
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
    const bool stays_right = where.end < right.pivot[last];
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

  /// Where the slot at which the left path ends starts.
  [[nodiscard]] std::uint64_t left_start() const noexcept {
    return left_[0].slot != 0 ? left_leaf().pivot[left_[0].slot - 1] : left_[0].low;
  }

  /// The new contents of the leaves.
  void collect(range where, void* record, sequence<leaf<Layout>>& contents) const noexcept {
    const leaf<Layout>& left = left_leaf();
    const leaf<Layout>& right = right_leaf();
    contents.append(left, 0, left_[0].slot);
    if (left_start() < where.start) contents.push(where.start, left.slot[left_[0].slot]);
    contents.push(where.end, record);
    if (where.end < right.pivot[right_[0].slot])
      contents.push(right.pivot[right_[0].slot], right.slot[right_[0].slot]);
    contents.append(right, right_[0].slot + 1, right.head.count);
  }

  /// The new contents of an inner level, around the new nodes of the level below.
  void collect(unsigned level, sequence<inner<Layout>>& contents) const noexcept {
    const bool is_new_level = level > root_.level();
    if (!is_new_level) contents.append(left_[level].node.as_inner(), 0, left_[level].slot);
    for (unsigned i = 0; i < pieces_; ++i) contents.push(piece_[i].end, piece_[i].node, piece_[i].gap);
    if (is_new_level) return;
    const inner<Layout>& right = right_[level].node.as_inner();
    contents.append(right, right_[level].slot + 1, right.head.count);
  }

  /// Takes a neighbour in when the contents are too few for a node; the whole level may be as short as it is.
  template <class Node>
  [[nodiscard]] bool fill_up(unsigned level, sequence<Node>& contents) noexcept {
    if (contents.count() >= Node::minimum || level > root_.level()) return true;
    const unsigned left_turn = left_.level_of_left_turn(level);
    const unsigned right_turn = right_.level_of_right_turn(level);
    if (left_turn == 0 && right_turn == 0) return true;
    const bool is_left_nearer = right_turn == 0 || (left_turn != 0 && left_turn <= right_turn);
    return is_left_nearer ? take_left(level, contents) : take_right(level, contents);
  }

  /// Moves the left path to the node before it, and takes all of that in.
  template <class Node>
  [[nodiscard]] bool take_left(unsigned level, sequence<Node>& contents) noexcept {
    const unsigned turn = left_.level_of_left_turn(level);
    left_.turn_left(turn, level);
    contents.prepend(*static_cast<const Node*>(left_[level].node.node()), left_[level].low);
    return open_below(left_, turn, level);
  }
  template <class Node>
  [[nodiscard]] bool take_right(unsigned level, sequence<Node>& contents) noexcept {
    const unsigned turn = right_.level_of_right_turn(level);
    right_.turn_right(turn, level);
    const auto& node = *static_cast<const Node*>(right_[level].node.node());
    contents.append(node, 0, node.head.count);
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
    if (level <= root_.level() && contents.count() <= Node::slots &&
        left_[level].node == right_[level].node && left_[level].node.head().is_building()) {
      auto& node = *static_cast<Node*>(left_[level].node.node());
      contents.write(node, 0, contents.count());
      raise_gap(level, node.largest_gap(contents.low()));
      return done(root_, level);
    }
    const auto cuts = contents.cut();
    unsigned from = 0;
    for (unsigned i = 0; i < cuts.pieces; ++i) {
      Node* node = book_.template make<Node>(level);
      if (node == nullptr) return false;
      contents.write(*node, from, cuts.end[i]);
      piece_[i] = {node->pivot[node->head.count - 1U], node, node->largest_gap(contents.start_of(from))};
      from = cuts.end[i];
    }
    pieces_ = cuts.pieces;
    pieces_level_ = level;
    if (is_whole_level && pieces_ == 1) return done({piece_[0].node, level}, no_level);
    return true;
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
    node->slot[left_[level].slot] = piece_[0].node;
    node->gap[left_[level].slot] = piece_[0].gap;
    const std::uint64_t largest = node->largest_gap(left_[level].low);
    if (is_in_place) {
      raise_gap(level, largest);
      return done(root_, level);
    }
    piece_[0] = {node->pivot[node->head.count - 1U], node, largest};
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
  void raise_gap(unsigned level, std::uint64_t largest) noexcept {
    while (++level <= root_.level()) {
      inner<Layout>& above = left_[level].node.as_inner();
      if (above.gap[left_[level].slot] == largest) return;
      above.gap[left_[level].slot] = largest;
      largest = above.largest_gap(left_[level].low);
    }
  }

  /// Nothing can fail any more. From `stop_level` up, the building nodes of the paths stay.
  [[nodiscard]] link<Layout> finish(link<Layout> root, unsigned stop_level) noexcept {
    for (const link<Layout> node : touched_) {
      if (!node.head().is_building()) {
        book_.opened.push_reserved(node);
      } else if (node.level() < stop_level) {
        book_.free_building(node);
      }
    }
    return root;
  }
  [[nodiscard]] std::nullopt_t give_up() noexcept {
    book_.roll_back(start_);
    return std::nullopt;
  }

  ledger<Layout>& book_;
  const typename ledger<Layout>::mark start_;
  const link<Layout> root_;
  path<Layout> left_;
  path<Layout> right_;
  pile<link<Layout>, 32> touched_;  ///< nodes of the paths, before and after they were moved

  std::array<piece, sequence<leaf<Layout>>::max_pieces> piece_;  ///< the new nodes of pieces_level_
  unsigned pieces_ = 0;
  unsigned pieces_level_ = 0;

  bool is_done_ = false;
  link<Layout> result_{};
  unsigned stop_level_ = no_level;
};

}  // namespace rcuvm::tree
