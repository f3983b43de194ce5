// SPDX-License-Identifier: Apache-2.0

/// tbb::concurrent_map, a skip list that is read and added to without locks. It cannot erase beside readers
/// (unsafe_erase alone), so the benchmarks of changes leave it out. Its iterators go forward only, which the first end
/// above a key does not mind.

#include <oneapi/tbb/concurrent_map.h>

#include <functional>

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/counting_allocator.hpp"
#include "bench/tree/rivals/place.hpp"

namespace rcuvm::tree_bench {

namespace {

class tbb_map : public loops<tbb_map> {
  using map = tbb::concurrent_map<std::uint64_t, place, std::less<>,
                                  counting_allocator<std::pair<const std::uint64_t, place>>>;

 public:
  static constexpr std::string_view name = "tbb_map";
  static constexpr std::string_view what = "tbb::concurrent_map, a skip list; cannot erase beside readers";

  struct reading {
    explicit reading(const tbb_map& of) noexcept : in{of.map_} {}
    const map& in;
  };
  struct writing {
    explicit writing(tbb_map& of) noexcept : to{of.map_} {}
    map& to;
  };

  [[nodiscard]] static const record* find(const reading& here, std::uint64_t key) {
    const auto at = here.in.upper_bound(key);
    return at != here.in.end() && at->second.start <= key ? at->second.at : nullptr;
  }
  template <class F>
  static void for_each(const reading& here, F each) {
    for (const auto& [end, found] : here.in) each(found.at, range{found.start, end});
  }
  static void store(writing& writing, const record& one) {
    writing.to.emplace(one.where.end, place{one.where.start, &one});
  }
  static void commit(writing&) noexcept {}

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t bytes_ = 0;
  map map_{map::allocator_type{bytes_}};
};

}  // namespace

rival_entry tbb_map_entry() { return entry_of<tbb_map>(); }

}  // namespace rcuvm::tree_bench
