// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <map>

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/locked_map.hpp"
#include "bench/tree/rivals/shared_mutex.hpp"

namespace rcuvm::tree_bench {

namespace {

struct std_map_policy {
  static constexpr std::string_view name = "std_map";
  static constexpr std::string_view what = "std::map behind a std::shared_mutex";
  using map =
      std::map<std::uint64_t, place, std::less<>, counting_allocator<std::pair<const std::uint64_t, place>>>;
  using lock = shared_mutex;
  using shared_guard = tree_bench::shared_guard;
  using exclusive_guard = tree_bench::exclusive_guard;
};

}  // namespace

rival_entry std_map_entry() { return entry_of<locked_map<std_map_policy>>(); }

}  // namespace rcuvm::tree_bench
