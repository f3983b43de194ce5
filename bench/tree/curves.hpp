// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the costs grow with the number of ranges: one picture, drawn by gnuplot from data that stays beside it.

#include <filesystem>
#include <string>
#include <vector>

#include "bench/tree/figures.hpp"

namespace rcuvm::tree_bench {

/// The sizes of a run for the picture: two a decade, from 10 to 4,000,000.
[[nodiscard]] const std::vector<std::size_t>& curve_sizes();
/// Google Benchmark's filter for what stands in the picture.
[[nodiscard]] std::string curve_filter();

/// Writes curves.tsv and curves.gp into `folder`, and curves.svg when gnuplot can draw it. Returns what is missing and why;
/// empty: nothing is. Throws std::filesystem::filesystem_error or std::ios_base::failure.
[[nodiscard]] std::string draw_curves(const figures& from, const std::filesystem::path& folder);

}  // namespace rcuvm::tree_bench
