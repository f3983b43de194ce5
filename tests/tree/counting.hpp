// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Nodes and records that are counted while they live, and the exact check of all reference counts.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/tree/counted.hpp"
#include "rcuvm/tree/node.hpp"
#include "rcuvm/tree/view.hpp"

namespace rcuvm::tree::testing {

/// A layout of its own for each Tag, so that tests do not see each other's nodes.
template <unsigned LeafSlots, unsigned InnerSlots, class Tag = void, unsigned PlainSlots = LeafSlots,
          unsigned Separators = 0>
struct counting_layout {
  static constexpr unsigned leaf_slots = LeafSlots;
  static constexpr unsigned plain_leaf_slots = PlainSlots;
  static constexpr unsigned inner_slots = InnerSlots;
  static constexpr unsigned inner_separators = Separators;

  static void count_nodes(int change) noexcept { live_.fetch_add_relaxed(change); }
  [[nodiscard]] static std::int64_t live() noexcept { return live_.load_relaxed(); }

 private:
  inline static sync::atomic<std::int64_t> live_{0};
};

/// A record that the tree owns.
struct owned : tree::counted<owned> {
  explicit owned(std::uint64_t number) noexcept : id{number} { live_.fetch_add_relaxed(1); }
  ~owned() { live_.fetch_add_relaxed(-1); }
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;

  [[nodiscard]] static std::int64_t live() noexcept { return live_.load_relaxed(); }

  std::uint64_t id;

 private:
  inline static sync::atomic<std::int64_t> live_{0};
};

/// A view that tells its root.
template <class T, class Layout>
struct open_view : tree::view<T, Layout> {
  explicit open_view(const tree::view<T, Layout>& from) : tree::view<T, Layout>{from} {}
  using tree::view<T, Layout>::root;
};

/// All that some views hold, each node and record once.
template <class T, class Layout>
class census {
 public:
  /// A holder: a tree or a snapshot.
  void add(const tree::view<T, Layout>& holder) {
    const link<Layout> root = open_view<T, Layout>{holder}.root();
    if (!root.is_null()) count(root);
  }

  [[nodiscard]] std::int64_t nodes() const { return static_cast<std::int64_t>(nodes_.size()); }
  [[nodiscard]] std::int64_t records() const { return static_cast<std::int64_t>(records_.size()); }

  /// Empty when each count is exactly the number of holders; else what is wrong.
  [[nodiscard]] std::string wrong_counts() const {
    for (const auto& [word, holders] : nodes_) {
      const auto node = link<Layout>::from_word(word);
      const std::uint32_t counted = node.head().references.load_relaxed();
      if (counted != holders) {
        return "a node of level " + std::to_string(node.level()) + " counts " + std::to_string(counted) +
               ", " + std::to_string(holders) + " hold it";
      }
    }
    if constexpr (record_access::is_counted<T>) {
      for (const auto& [record, slots] : records_) {
        if (record->tree_references() != slots) {
          return "a record counts " + std::to_string(record->tree_references()) + ", " +
                 std::to_string(slots) + " slots name it";
        }
      }
    }
    return {};
  }

 private:
  void count(link<Layout> node) {
    if (++nodes_[node.word()] != 1) return;
    for (unsigned slot = 0; slot < node.head().count; ++slot) {
      if (node.level() != 0) {
        count(node.child(slot));
      } else if (node.as_leaf().slot[slot] != nullptr) {
        ++records_[static_cast<T*>(node.as_leaf().slot[slot])];
      }
    }
  }

  std::map<std::uintptr_t, std::uint32_t> nodes_;
  std::map<T*, std::uint32_t> records_;
};

}  // namespace rcuvm::tree::testing
