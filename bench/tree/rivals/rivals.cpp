// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/rivals/rivals.hpp"

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/kernel_maple.hpp"
#include "bench/tree/rivals/static_tree.hpp"

namespace rcuvm::tree_bench {

rival_entry kernel_maple_entry() { return entry_of<kernel_maple>(); }

rival_entry static_tree_entry() { return entry_of<static_tree>(); }

namespace {

std::vector<rival_entry> all_rivals() {
  return {ours_entry(),       static_tree_entry(), kernel_maple_entry(), std_map_entry(),
          absl_btree_entry(), tbb_map_entry(),     icl_map_entry(),      cow_vector_entry()};
}

}  // namespace

std::vector<rival_entry> rivals() {
  std::vector<rival_entry> made = all_rivals();
  if (!kernel_maple::is_loaded())
    std::erase_if(made, [](const rival_entry& one) { return one.name == kernel_maple::name; });
  return made;
}

std::vector<std::string> in_order_of_rivals(const std::set<std::string>& names) {
  std::vector<std::string> made;
  for (const rival_entry& one : all_rivals()) {
    if (names.contains(std::string{one.name})) made.emplace_back(one.name);
  }
  return made;
}

}  // namespace rcuvm::tree_bench
