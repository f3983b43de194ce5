// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/rivals/rivals.hpp"

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/kernel_maple.hpp"
#include "bench/tree/rivals/static_tree.hpp"

namespace rcuvm::tree_bench {

rival_entry kernel_maple_entry() { return entry_of<kernel_maple>(); }

rival_entry static_tree_entry() { return entry_of<static_tree>(); }

std::vector<rival_entry> rivals() {
  std::vector<rival_entry> made{ours_entry(),    static_tree_entry(), std_map_entry(),   absl_btree_entry(),
                                tbb_map_entry(), icl_map_entry(),     cow_vector_entry()};
  if (kernel_maple::is_loaded()) made.insert(made.begin() + 1, kernel_maple_entry());
  return made;
}

}  // namespace rcuvm::tree_bench
