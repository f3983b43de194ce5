// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One version of a tree, to be read.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <iosfwd>
#include <iterator>
#include <optional>
#include <span>
#include <string>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/cursor.hpp"
#include "rcuvm/tree/dump.hpp"
#include "rcuvm/tree/find.hpp"
#include "rcuvm/tree/gap.hpp"
#include "rcuvm/tree/verify.hpp"

namespace rcuvm::tree {

/// A record and the range it is stored over.
template <class T>
struct entry {
  range where;
  T* value = nullptr;

  friend bool operator==(const entry&, const entry&) noexcept = default;
};

/// One version, which never changes: two questions to the same view always get answers that fit together.
///
/// Valid     as long as what it was got from: the read section, the write section (until its next commit),
///           the snapshot, the transaction (until its next store).
/// Readers   any number. Progress: wait-free; no stores, no locks, no allocation.
/// Cost      find, next, previous, gaps: one descent, O(log n); see gap.hpp. Iteration: a few ns an entry.
template <class T, class Layout>
class view {
 public:
  view() noexcept : root_{} {}
  explicit view(link<Layout> root) noexcept : root_{root} {}

  [[nodiscard]] bool is_empty() const noexcept { return root_.is_null(); }

  /// The record at `key`; null when it lies in a gap.
  [[nodiscard]] T* find(std::uint64_t key) const noexcept { return static_cast<T*>(tree::find(root_, key)); }

  /// The records at keys[0], keys[1], ..., into found[0], found[1], ...: as find(), several at a time, so that
  /// one key's wait for memory is the others' time to go on. As many as both spans have room for.
  void find_many(std::span<const std::uint64_t> keys, std::span<T*> found) const noexcept {
    std::array<void*, 64> records;
    const std::size_t count = std::min(keys.size(), found.size());
    for (std::size_t first = 0; first < count; first += records.size()) {
      const std::size_t some = std::min(records.size(), count - first);
      tree::find_many(root_, keys.data() + first, records.data(), some);
      for (std::size_t i = 0; i < some; ++i) found[first + i] = static_cast<T*>(records[i]);
    }
  }

  /// As find(), with the record's range.
  [[nodiscard]] std::optional<entry<T>> find_entry(std::uint64_t key) const noexcept {
    if (root_.is_null() || key == space_end) return std::nullopt;
    return to_entry(locate(root_, key).read());
  }
  /// The first entry with where.end > key: the one at `key`, or the first behind it.
  [[nodiscard]] std::optional<entry<T>> next(std::uint64_t key) const noexcept {
    return to_entry(find_next(root_, key));
  }
  /// The last entry with where.start < key: the one at key - 1, or the last before it.
  [[nodiscard]] std::optional<entry<T>> previous(std::uint64_t key) const noexcept {
    return to_entry(find_previous(root_, key));
  }

  /// The lowest (highest) `[start, start + size)` inside `within` that overlaps no entry, with start a
  /// multiple of `alignment`, a power of two. Nothing when there is none, or size is 0.
  [[nodiscard]] std::optional<range> lowest_gap(std::uint64_t size, range within = whole_space,
                                                std::uint64_t alignment = 1) const noexcept {
    return find_gap<true>(root_, {size, within, alignment});
  }
  [[nodiscard]] std::optional<range> highest_gap(std::uint64_t size, range within = whole_space,
                                                 std::uint64_t alignment = 1) const noexcept {
    return find_gap<false>(root_, {size, within, alignment});
  }

  /// Forward iteration over entries; the end is std::default_sentinel.
  class iterator {
   public:
    using value_type = entry<T>;
    using difference_type = std::ptrdiff_t;

    iterator() noexcept = default;
    explicit iterator(cursor<Layout> at) noexcept : at_{at} {}

    [[nodiscard]] entry<T> operator*() const noexcept {
      return {at_.read().where, static_cast<T*>(at_.read().record)};
    }
    iterator& operator++() noexcept {
      at_.advance();
      return *this;
    }
    void operator++(int) noexcept { at_.advance(); }
    [[nodiscard]] friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
      return it.at_.is_at_end();
    }

   private:
    cursor<Layout> at_;
  };

  /// The entries that overlap a range, in rising order, with their whole ranges.
  class entries {
   public:
    entries(link<Layout> root, range within) noexcept : root_{root}, within_{within} {}
    [[nodiscard]] iterator begin() const noexcept { return iterator{cursor<Layout>{root_, within_}}; }
    [[nodiscard]] static std::default_sentinel_t end() noexcept { return std::default_sentinel; }

   private:
    link<Layout> root_;
    range within_;
  };

  [[nodiscard]] iterator begin() const noexcept { return within(whole_space).begin(); }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return std::default_sentinel; }
  [[nodiscard]] entries within(range limits) const noexcept { return {root_, limits}; }

  /// Walks all entries. O(n).
  [[nodiscard]] std::size_t count_entries() const noexcept {
    std::size_t count = 0;
    for (auto it = begin(); it != end(); ++it) ++count;
    return count;
  }

  /// Checks every rule of node.hpp; the message names the rule and the path to the node that breaks it. O(n).
  [[nodiscard]] std::expected<void, std::string> verify() const { return tree::verify(root_); }
  /// Nodes, bytes, levels. O(n).
  [[nodiscard]] tree::shape shape() const noexcept { return measure_shape(root_); }
  /// The tree as indented text, or as a Graphviz digraph.
  void dump(std::ostream& out) const { dump_text(out, root_); }
  void dump_graphviz(std::ostream& out) const { tree::dump_graphviz(out, root_); }

 protected:
  [[nodiscard]] link<Layout> root() const noexcept { return root_; }
  void set_root(link<Layout> root) noexcept { root_ = root; }

 private:
  static constexpr range whole_space{0, space_end};

  [[nodiscard]] static std::optional<entry<T>> to_entry(const found& at) noexcept {
    if (at.record == nullptr) return std::nullopt;
    return entry<T>{at.where, static_cast<T*>(at.record)};
  }

  link<Layout> root_;
};

}  // namespace rcuvm::tree
