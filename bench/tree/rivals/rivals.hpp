// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The list of all rivals. One file each; this is how the others know them.

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rcuvm::tree_bench {

class workload;

/// What the program knows of a rival.
struct rival_entry {
  std::string_view name;
  std::string_view what;  ///< for the list of rivals: one line
  /// Registers its benchmarks on a workload with Google Benchmark.
  void (*add_benchmarks)(const std::shared_ptr<workload>& on);
  /// Runs everything that it can do, for valgrind to count: see instructions.hpp.
  void (*count_instructions)(const std::shared_ptr<workload>& on);
  /// Compares its answers on a workload with those of a linear search; each difference in a line.
  std::vector<std::string> (*check)(workload& on);
};

rival_entry ours_entry();
rival_entry kernel_maple_entry();
rival_entry static_tree_entry();
rival_entry std_map_entry();
rival_entry absl_btree_entry();
rival_entry tbb_map_entry();
rival_entry icl_map_entry();
rival_entry cow_vector_entry();

/// In the order of all tables: rcuvm, the limit, the kernel's tree once it is loaded, then the others.
[[nodiscard]] std::vector<rival_entry> rivals();
/// Those of a run, which may hold the kernel's tree too, in that order.
[[nodiscard]] std::vector<std::string> in_order_of_rivals(const std::set<std::string>& names);

}  // namespace rcuvm::tree_bench
