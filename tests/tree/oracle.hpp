// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The same map, done simply: what the tree's answers are compared with.

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <vector>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/layout.hpp"
#include "rcuvm/tree/view.hpp"

namespace rcuvm::tree::testing {

template <class T>
class oracle {
 public:
  using entry = tree::entry<T>;

  void store(range where, T* value) {
    cut_at(where.start);
    cut_at(where.end);
    entries_.erase(entries_.lower_bound(where.start), entries_.lower_bound(where.end));
    if (value != nullptr) entries_[where.start] = {where.end, value};
  }

  [[nodiscard]] std::optional<entry> find_entry(std::uint64_t key) const {
    auto after = entries_.upper_bound(key);
    if (after == entries_.begin()) return {};
    return std::prev(after)->second.end > key ? to_entry(std::prev(after)) : std::optional<entry>{};
  }
  [[nodiscard]] std::optional<entry> next(std::uint64_t key) const {
    if (auto here = find_entry(key)) return here;
    return to_entry(entries_.lower_bound(key));
  }
  [[nodiscard]] std::optional<entry> previous(std::uint64_t key) const {
    auto at = entries_.lower_bound(key);
    return at == entries_.begin() ? std::optional<entry>{} : to_entry(std::prev(at));
  }
  [[nodiscard]] std::vector<entry> all() const { return overlapping({0, space_end}); }
  [[nodiscard]] std::vector<entry> overlapping(range limits) const {
    std::vector<entry> found;
    if (limits.is_empty()) return found;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (to_entry(it)->where.overlaps(limits)) found.push_back(*to_entry(it));
    }
    return found;
  }
  [[nodiscard]] std::vector<range> gaps() const {
    std::vector<range> found;
    std::uint64_t low = 0;
    for (const auto& [start, stored] : entries_) {
      if (low < start) found.push_back({low, start});
      low = stored.end;
    }
    if (low != space_end) found.push_back({low, space_end});
    return found;
  }

  /// Tries all gaps, with the arithmetic of 128 bits, so that nothing can wrap.
  [[nodiscard]] std::optional<range> lowest_gap(std::uint64_t size, range within,
                                                std::uint64_t alignment) const {
    for (const range gap : gaps()) {
      const range free = gap.intersection(within);
      if (free.is_empty()) continue;
      const wide start = (wide{free.start} + alignment - 1) / alignment * alignment;
      if (start + size <= free.end) return range{narrow(start), narrow(start + size)};
    }
    return {};
  }
  [[nodiscard]] std::optional<range> highest_gap(std::uint64_t size, range within,
                                                 std::uint64_t alignment) const {
    std::optional<range> highest;
    for (const range gap : gaps()) {
      const range free = gap.intersection(within);
      if (free.is_empty() || free.size() < size) continue;
      const std::uint64_t start = (free.end - size) / alignment * alignment;
      if (start >= free.start) highest = range{start, start + size};
    }
    return highest;
  }

 private:
  __extension__ using wide = unsigned __int128;
  static std::uint64_t narrow(wide value) { return static_cast<std::uint64_t>(value); }

  struct rest {
    std::uint64_t end;
    T* value;
  };
  using iterator = typename std::map<std::uint64_t, rest>::const_iterator;

  [[nodiscard]] std::optional<entry> to_entry(iterator it) const {
    if (it == entries_.end()) return {};
    return entry{{it->first, it->second.end}, it->second.value};
  }
  void cut_at(std::uint64_t key) {
    auto after = entries_.lower_bound(key);
    if (after == entries_.begin()) return;
    rest& before = std::prev(after)->second;
    if (before.end <= key) return;
    entries_[key] = {before.end, before.value};
    before.end = key;
  }

  std::map<std::uint64_t, rest> entries_;
};

}  // namespace rcuvm::tree::testing
