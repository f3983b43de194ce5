// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a rival is to a benchmark: whole loops over keys and records.
///
/// A loop is one call, so that a rival in a shared object pays for no call per lookup, and every other rival's lookup is
/// inlined into its loop. A rival written in C++ derives from loops<Rival> and offers single steps:
///
///   class reading    what a reader holds meanwhile: a read section, a shared lock    explicit reading(const Rival&)
///   class writing    what a writer holds                                            explicit writing(Rival&)
///   const record* find(const reading&, std::uint64_t key)    null: no range holds the key
///   void for_each(const reading&, F)                         F(const record&, range), in rising order
///   void store(writing&, const record&)                      over a range where nothing is stored
///   void erase(writing&, const record&)                      of a record that is stored; absent: it cannot
///   void commit(writing&)                                    readers see the changes from now on; the end of `writing`
///
/// Rivals are asked for no more than that: a map of ends need not look for overlaps before it inserts. All find a range
/// by the first end above the key. bytes() counts the index alone, without the records and without what malloc adds.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/tree/data_set.hpp"

namespace rcuvm::tree_bench {

using records = std::span<const record* const>;
using keys = std::span<const std::uint64_t>;

/// For sums, and for keys that depend on what was found before.
[[nodiscard]] inline std::uint64_t address_of(const record* one) noexcept {
  return reinterpret_cast<std::uintptr_t>(one);
}

/// What every rival offers; sums keep a loop from being optimized away.
template <class Rival>
concept rival = requires(Rival& changed, const Rival& read, records all, keys wanted, std::size_t& count) {
  { Rival::name } -> std::convertible_to<std::string_view>;
  /// Stores all records in the order given, each on its own where the rival can be changed at all.
  changed.build(all);
  { read.find_one(std::uint64_t{}) } -> std::same_as<const record*>;
  /// Each key is known only when the record before it is found. A read section per lookup.
  { read.find_dependent(wanted) } -> std::same_as<std::uint64_t>;
  /// A read section per lookup.
  { read.find_each(wanted) } -> std::same_as<std::uint64_t>;
  /// All inside one read section.
  { read.find_all(wanted) } -> std::same_as<std::uint64_t>;
  /// All ranges in order; adds to the count.
  { read.walk(count) } -> std::same_as<std::uint64_t>;
  { read.bytes() } -> std::same_as<std::size_t>;
};

/// Overlaps its lookups.
template <class Rival>
concept finds_many = requires(const Rival& read, keys wanted, std::span<const record*> found) {
  read.find_many(wanted, found);
};

/// Can be changed while it is read.
template <class Rival>
concept changes = requires(Rival& changed, records some) {
  /// Each published on its own.
  changed.erase_each(some);
  changed.store_each(some);
  /// Erases and stores each again: two changes, each published on its own.
  changed.replace(some);
  /// Erases all in one transaction and stores all in another.
  changed.replace_together(some);
  /// Until nothing waits to be freed.
  changed.drain();
};

/// Searches for room. `starts`, unless null, takes each answer; no_gap: there is no room.
template <class Rival>
concept finds_gaps = requires(const Rival& read, std::span<const gap_request> wanted, std::uint64_t* starts) {
  { read.find_gaps(gap_side::lowest, wanted, starts) } -> std::same_as<std::uint64_t>;
};
inline constexpr std::uint64_t no_gap = ~std::uint64_t{0};

/// Its single steps know how to erase.
template <class Rival>
concept erases =
    requires(Rival& to, typename Rival::writing& writing, const record& one) { to.erase(writing, one); };

/// The loops of a rival that offers single steps.
template <class Rival>
class loops {
 public:
  void build(records in_order) {
    store_each(in_order);
    if constexpr (requires { self().drain(); }) self().drain();
  }
  void store_each(records some) {
    for (const record* one : some) store_one(*one);
  }

  [[nodiscard]] const record* find_one(std::uint64_t key) const {
    const typename Rival::reading here{self()};
    return self().find(here, key);
  }
  [[nodiscard]] std::uint64_t find_dependent(keys wanted) const {
    std::uint64_t found = 0;
    for (const std::uint64_t key : wanted) {
      const typename Rival::reading here{self()};
      found = address_of(self().find(here, key ^ (found >> 63U)));
    }
    return found;
  }
  [[nodiscard]] std::uint64_t find_each(keys wanted) const {
    std::uint64_t sum = 0;
    for (const std::uint64_t key : wanted) {
      const typename Rival::reading here{self()};
      sum += address_of(self().find(here, key));
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t find_all(keys wanted) const {
    const typename Rival::reading here{self()};
    std::uint64_t sum = 0;
    for (const std::uint64_t key : wanted) sum += address_of(self().find(here, key));
    return sum;
  }
  [[nodiscard]] std::uint64_t walk(std::size_t& count) const {
    const typename Rival::reading here{self()};
    std::uint64_t sum = 0;
    std::size_t seen = 0;
    self().for_each(here, [&](const record* one, range where) {
      sum += address_of(one) + where.start + where.end;
      ++seen;
    });
    count += seen;
    return sum;
  }

  void erase_each(records some)
    requires erases<Rival>
  {
    for (const record* one : some) erase_one(*one);
  }
  void replace(records some)
    requires erases<Rival>
  {
    for (const record* one : some) {
      erase_one(*one);
      store_one(*one);
    }
  }
  void replace_together(records some)
    requires erases<Rival>
  {
    {
      typename Rival::writing writing{self()};
      for (const record* one : some) self().erase(writing, *one);
      self().commit(writing);
    }
    typename Rival::writing writing{self()};
    for (const record* one : some) self().store(writing, *one);
    self().commit(writing);
  }

 private:
  void store_one(const record& one) {
    typename Rival::writing writing{self()};
    self().store(writing, one);
    self().commit(writing);
  }
  void erase_one(const record& one) {
    typename Rival::writing writing{self()};
    self().erase(writing, one);
    self().commit(writing);
  }
  [[nodiscard]] Rival& self() noexcept { return static_cast<Rival&>(*this); }
  [[nodiscard]] const Rival& self() const noexcept { return static_cast<const Rival&>(*this); }
};

}  // namespace rcuvm::tree_bench
