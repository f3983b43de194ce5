// SPDX-License-Identifier: Apache-2.0

/// A sorted array that is never changed: a writer copies all of it, and swaps one pointer. Readers see one version, as
/// rcuvm's do; old arrays are freed through the same limbo. A change costs the whole array, so it is built in one piece,
/// and its benchmarks of changes deal out fewer of them at a time.

#include <algorithm>
#include <memory>
#include <vector>

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/place.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::tree_bench {

namespace {

/// Ends apart from the rest, so that a search reads as few lines as it can.
struct sorted_ranges {
  std::vector<std::uint64_t> ends;
  std::vector<place> places;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return ends.capacity() * sizeof(std::uint64_t) + places.capacity() * sizeof(place);
  }
};

class cow_vector : public loops<cow_vector> {
 public:
  static constexpr std::string_view name = "cow_vector";
  static constexpr std::string_view what =
      "a sorted array, copied for each change, read under RCU; freed by limbo";
  static constexpr bool copies_everything = true;

  struct reading {
    explicit reading(const cow_vector& of) noexcept : in{*of.current_.load(section)} {}
    sync::rcu::read_section section;
    const sorted_ranges& in;
  };
  struct writing {
    explicit writing(cow_vector& to)
        : section{throttled(to.lock_)}, of{to}, next{copy(*to.current_.load_by_writer())} {}
    sync::write_section section;
    cow_vector& of;
    std::unique_ptr<sorted_ranges> next;
  };

  ~cow_vector() { retire(current_.load_by_writer()); }
  cow_vector() = default;
  cow_vector(const cow_vector&) = delete;
  cow_vector& operator=(const cow_vector&) = delete;

  void build(records in_any_order) {
    std::vector<const record*> sorted{in_any_order.begin(), in_any_order.end()};
    std::ranges::sort(sorted, {}, [](const record* one) { return one->where.end; });
    writing all{*this};
    for (const record* one : sorted) {
      all.next->ends.push_back(one->where.end);
      all.next->places.push_back({one->where.start, one});
    }
    commit(all);
  }

  [[nodiscard]] static const record* find(const reading& here, std::uint64_t key) noexcept {
    const auto at = std::ranges::upper_bound(here.in.ends, key);
    if (at == here.in.ends.end()) return nullptr;
    const place& found = here.in.places[index_of(here.in, at)];
    return found.start <= key ? found.at : nullptr;
  }
  template <class F>
  static void for_each(const reading& here, F each) {
    for (std::size_t i = 0; i < here.in.ends.size(); ++i)
      each(here.in.places[i].at, range{here.in.places[i].start, here.in.ends[i]});
  }

  static void store(writing& to, const record& one) {
    const auto at = std::ranges::upper_bound(to.next->ends, one.where.end);
    const auto index = static_cast<std::ptrdiff_t>(index_of(*to.next, at));
    to.next->ends.insert(at, one.where.end);
    to.next->places.insert(to.next->places.begin() + index, place{one.where.start, &one});
  }
  static void erase(writing& to, const record& one) {
    const auto at = std::ranges::lower_bound(to.next->ends, one.where.end);
    const auto index = static_cast<std::ptrdiff_t>(index_of(*to.next, at));
    to.next->ends.erase(at);
    to.next->places.erase(to.next->places.begin() + index);
  }
  static void commit(writing& to) {
    const sorted_ranges* old = to.of.current_.load_by_writer();
    to.of.current_.publish(to.next.release());
    retire(old);
  }
  static void drain() noexcept { reclaim::limbo::process().drain(); }

  [[nodiscard]] std::size_t bytes() const noexcept {
    const reading here{*this};
    return here.in.bytes();
  }

 private:
  /// Room for a transaction, so that it does not copy all once more.
  [[nodiscard]] static std::unique_ptr<sorted_ranges> copy(const sorted_ranges& from) {
    const std::size_t room = from.ends.size() + changes_of_a_transaction;
    auto made = std::make_unique<sorted_ranges>();
    made->ends.reserve(room);
    made->places.reserve(room);
    made->ends = from.ends;
    made->places = from.places;
    return made;
  }
  [[nodiscard]] static sync::mutex& throttled(sync::mutex& lock) noexcept {
    reclaim::limbo::process().throttle();
    return lock;
  }
  template <class Iterator>
  [[nodiscard]] static std::size_t index_of(const sorted_ranges& in, Iterator at) noexcept {
    return static_cast<std::size_t>(at - in.ends.begin());
  }
  static void retire(const sorted_ranges* dead) {
    reclaim::retire_list list;
    list.add({const_cast<sorted_ranges*>(dead),
              [](void* object) noexcept { delete static_cast<sorted_ranges*>(object); },
              static_cast<std::uint32_t>(dead->bytes())});
    reclaim::limbo::process().retire(std::move(list));
  }

  sync::mutex lock_;
  sync::rcu::pointer<const sorted_ranges> current_{new sorted_ranges};
};

}  // namespace

rival_entry cow_vector_entry() { return entry_of<cow_vector>(); }

}  // namespace rcuvm::tree_bench
