// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/rivals/static_tree.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace rcuvm::tree_bench {

namespace {

constexpr std::uint64_t above_all = ~std::uint64_t{0};
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20U;

}  // namespace

std::string_view static_tree::instructions() noexcept {
#if defined(__AVX512F__)
  return "AVX-512";
#elif defined(__AVX2__)
  return "AVX2";
#else
  return "plain";
#endif
}

/// Keys are addresses, below 2^63: AVX2 compares signed numbers only.
inline unsigned static_tree::keys_not_above(const node& in, std::uint64_t key) noexcept {
#if defined(__AVX512F__)
  const __m512i wanted = _mm512_set1_epi64(static_cast<long long>(key));
  const unsigned low = _mm512_cmple_epu64_mask(_mm512_load_si512(&in.key[0]), wanted);
  const unsigned high = _mm512_cmple_epu64_mask(_mm512_load_si512(&in.key[8]), wanted);
  return static_cast<unsigned>(__builtin_popcount(low | high << 8U));
#elif defined(__AVX2__)
  const __m256i wanted = _mm256_set1_epi64x(static_cast<long long>(key));
  unsigned above = 0;
  for (unsigned i = 0; i < node_keys; i += 4) {
    const __m256i have = _mm256_load_si256(reinterpret_cast<const __m256i*>(&in.key[i]));
    const __m256i mask = _mm256_cmpgt_epi64(have, wanted);
    above |= static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(mask))) << i;
  }
  return node_keys - static_cast<unsigned>(__builtin_popcount(above));
#else
  unsigned count = 0;
  for (const std::uint64_t have : in.key) count += have <= key ? 1U : 0U;
  return count;
#endif
}

void unmap::operator()(void* place) const noexcept { ::munmap(place, bytes); }

template <class T>
static_tree::huge_array<T> static_tree::make_array(std::size_t count) {
  const std::size_t bytes = (count * sizeof(T) + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
  void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) throw std::bad_alloc{};
  ::madvise(place, bytes, MADV_HUGEPAGE);
  return huge_array<T>{static_cast<T*>(place), unmap{bytes}};
}

void static_tree::build(records in_any_order) {
  std::vector<const record*> sorted(in_any_order.begin(), in_any_order.end());
  std::ranges::sort(sorted, {}, [](const record* one) { return one->where.start; });
  std::vector<std::uint64_t> pivots;
  std::vector<const record*> values;  // values[i] is what lies below pivots[i]
  for (const record* one : sorted) {
    if (pivots.empty() || pivots.back() != one->where.start) {
      pivots.push_back(one->where.start);
      values.push_back(nullptr);
    }
    pivots.push_back(one->where.end);
    values.push_back(one);
  }
  values.push_back(nullptr);
  pivots_ = pivots.size();

  // Nodes of each level, from the leaves up: a level has a node for each 17 below it.
  std::vector<std::size_t> widths{(pivots_ + node_keys) / node_keys};
  while (widths.back() > 1) widths.push_back((widths.back() + node_keys) / (node_keys + 1));
  levels_ = static_cast<unsigned>(widths.size());
  std::size_t nodes = 0;
  for (const std::size_t width : widths) nodes += width;
  nodes_ = make_array<node>(nodes);
  values_ = make_array<const record*>(widths.front() * node_keys + 1);
  std::fill_n(&nodes_[0].key[0], nodes * node_keys, above_all);
  std::ranges::copy(values, values_.get());

  node* level = nodes_.get();
  first_[levels_ - 1] = level;
  for (std::size_t i = 0; i < pivots_; ++i) level[i / node_keys].key[i % node_keys] = pivots[i];
  std::size_t reach = 1;  // leaves below one node of the level
  for (unsigned up = 1; up < levels_; ++up) {
    level += widths[up - 1];
    first_[levels_ - 1 - up] = level;
    // Key i of a node parts its children i and i + 1: the first pivot below the right one.
    for (std::size_t i = 0; i < widths[up] * node_keys; ++i) {
      const std::size_t child = i / node_keys * (node_keys + 1) + i % node_keys + 1;
      const std::size_t pivot = child * reach * node_keys;
      if (pivot < pivots_) level[i / node_keys].key[i % node_keys] = pivots[pivot];
    }
    reach *= node_keys + 1;
  }
}

/// The leaf's values are fetched together with its keys: their place is known before the keys are compared.
inline const record* static_tree::descend(std::uint64_t key) const noexcept {
  std::size_t at = 0;
  for (unsigned level = 0; level + 1 < levels_; ++level)
    at = at * (node_keys + 1) + keys_not_above(first_[level][at], key);
  __builtin_prefetch(&values_[at * node_keys]);
  __builtin_prefetch(&values_[at * node_keys + node_keys / 2]);
  return values_[at * node_keys + keys_not_above(first_[levels_ - 1][at], key)];
}

const record* static_tree::find_one(std::uint64_t key) const noexcept { return descend(key); }

std::uint64_t static_tree::find_dependent(keys wanted) const noexcept {
  std::uint64_t found = 0;
  for (const std::uint64_t key : wanted) found = address_of(descend(key ^ (found >> 63U)));
  return found;
}

std::uint64_t static_tree::find_each(keys wanted) const noexcept { return find_all(wanted); }

std::uint64_t static_tree::find_all(keys wanted) const noexcept {
  std::uint64_t sum = 0;
  for (const std::uint64_t key : wanted) sum += address_of(descend(key));
  return sum;
}

void static_tree::find_many(keys wanted, std::span<const record*> found) const noexcept {
  constexpr std::size_t together = 16;
  std::size_t done = 0;
  for (; done + together <= wanted.size(); done += together) {
    std::array<std::size_t, together> at{};
    for (unsigned level = 0; level + 1 < levels_; ++level) {
      for (std::size_t i = 0; i < together; ++i) {
        at[i] = at[i] * (node_keys + 1) + keys_not_above(first_[level][at[i]], wanted[done + i]);
        __builtin_prefetch(&first_[level + 1][at[i]].key[0]);
        __builtin_prefetch(&first_[level + 1][at[i]].key[8]);
      }
    }
    for (std::size_t i = 0; i < together; ++i) {
      at[i] = at[i] * node_keys + keys_not_above(first_[levels_ - 1][at[i]], wanted[done + i]);
      __builtin_prefetch(&values_[at[i]]);
    }
    for (std::size_t i = 0; i < together; ++i) found[done + i] = values_[at[i]];
  }
  for (; done < wanted.size(); ++done) found[done] = descend(wanted[done]);
}

std::uint64_t static_tree::walk(std::size_t& count) const noexcept {
  std::uint64_t sum = 0;
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < pivots_; ++i) {
    const std::uint64_t end = first_[levels_ - 1][i / node_keys].key[i % node_keys];
    if (values_[i] != nullptr) {
      sum += address_of(values_[i]) + start + end;
      ++count;
    }
    start = end;
  }
  return sum;
}

std::size_t static_tree::bytes() const noexcept {
  std::size_t nodes = 1;
  for (unsigned level = 1; level < levels_; ++level)
    nodes += static_cast<std::size_t>(&first_[level - 1][0] - &first_[level][0]);
  return nodes * sizeof(node) + (pivots_ + 1) * sizeof(const record*);
}

}  // namespace rcuvm::tree_bench
