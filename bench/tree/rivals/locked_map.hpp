// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the rivals share that are an ordered map behind a reader-writer lock: std::map, absl::btree_map.
///
/// The map goes from a range's end to its start and record, so that the first end above a key is one upper_bound away.
/// Policy: `map`, a map of std::uint64_t to place; `lock`; `shared_guard` and `exclusive_guard`, built from a lock; name.

#include <cstddef>

#include "bench/tree/loops.hpp"
#include "bench/tree/rivals/counting_allocator.hpp"
#include "bench/tree/rivals/place.hpp"

namespace rcuvm::tree_bench {

template <class Policy>
class locked_map : public loops<locked_map<Policy>> {
 public:
  static constexpr std::string_view name = Policy::name;
  static constexpr std::string_view what = Policy::what;

  class reading {
   public:
    explicit reading(const locked_map& of) : guard_{of.lock_}, map_{of.map_} {}

   private:
    friend locked_map;
    typename Policy::shared_guard guard_;
    const typename Policy::map& map_;
  };
  class writing {
   public:
    explicit writing(locked_map& to) : guard_{to.lock_}, map_{to.map_} {}

   private:
    friend locked_map;
    typename Policy::exclusive_guard guard_;
    typename Policy::map& map_;
  };

  [[nodiscard]] static const record* find(const reading& here, std::uint64_t key) {
    const auto at = here.map_.upper_bound(key);
    return at != here.map_.end() && at->second.start <= key ? at->second.at : nullptr;
  }
  template <class F>
  static void for_each(const reading& here, F each) {
    for (const auto& [end, found] : here.map_) each(found.at, range{found.start, end});
  }
  static void store(writing& to, const record& one) {
    to.map_.emplace(one.where.end, place{one.where.start, &one});
  }
  static void erase(writing& to, const record& one) { to.map_.erase(one.where.end); }
  static void commit(writing&) noexcept {}  // the lock's end
  static void drain() noexcept {}

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t bytes_ = 0;
  typename Policy::map map_{typename Policy::map::allocator_type{bytes_}};
  mutable typename Policy::lock lock_;
};

}  // namespace rcuvm::tree_bench
