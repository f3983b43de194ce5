// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The limit: a static S+ tree, read-only, without RCU. No tree that can be changed has less to do per lookup.
///
///   level 2               [16 keys]                         a node is 16 sorted keys in two cache lines;
///   level 1      [16 keys]    ...   [16 keys]               child number = node * 17 + keys not above the key asked for
///   level 0  [16 keys] [16 keys] ... [16 keys] [16 keys]    all pivots of the ranges and of the gaps between them
///   values    one record per pivot, null for a gap
///
/// Nodes hold no pointers and lie in one array, in huge pages; 17 ways a node. The same lookup as a maple tree's: the
/// number of pivots not above the key names the slot. find_many() takes 16 keys down together, level by level.
///
/// Source     Sergey Slotin, "Static B-Trees" (en.algorithmica.org/hpc/data-structures/s-tree), S+ tree.
/// SIMD       AVX-512, else AVX2, else none, as the file is compiled: CMakeLists.txt compiles it for this machine.

#include <array>
#include <memory>
#include <vector>

#include "bench/tree/loops.hpp"

namespace rcuvm::tree_bench {

/// Gives mapped memory back.
struct unmap {
  std::size_t bytes = 0;
  void operator()(void* place) const noexcept;
};

class static_tree {
 public:
  static constexpr std::string_view name = "static";
  static constexpr std::string_view what = "the limit: a static S+ tree, no changes, no read sections";
  static constexpr bool is_for_this_machine = true;

  /// What the loops were compiled for: "AVX-512", "AVX2" or "plain".
  [[nodiscard]] static std::string_view instructions() noexcept;

  void build(records in_any_order);

  [[nodiscard]] const record* find_one(std::uint64_t key) const noexcept;
  [[nodiscard]] std::uint64_t find_dependent(keys wanted) const noexcept;
  /// There is no section to open: the same as find_all().
  [[nodiscard]] std::uint64_t find_each(keys wanted) const noexcept;
  [[nodiscard]] std::uint64_t find_all(keys wanted) const noexcept;
  void find_many(keys wanted, std::span<const record*> found) const noexcept;
  [[nodiscard]] std::uint64_t walk(std::size_t& count) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  static constexpr unsigned node_keys = 16;
  static constexpr unsigned most_levels = 8;  // 17^8 pivots

  struct node {
    std::uint64_t key[node_keys];
  };
  template <class T>
  using huge_array = std::unique_ptr<T[], unmap>;

  template <class T>
  [[nodiscard]] static huge_array<T> make_array(std::size_t count);
  [[nodiscard]] static unsigned keys_not_above(const node& in, std::uint64_t key) noexcept;
  [[nodiscard]] const record* descend(std::uint64_t key) const noexcept;

  unsigned levels_ = 0;
  std::array<const node*, most_levels> first_{};  ///< of each level, from the root
  huge_array<node> nodes_;
  huge_array<const record*> values_;
  std::size_t pivots_ = 0;
};

}  // namespace rcuvm::tree_bench
