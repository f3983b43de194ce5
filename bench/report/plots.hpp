// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The plots of a report, drawn by gnuplot from data and scripts that stay beside the report.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bench/report/campaign.hpp"

namespace rcuvm::report {

struct plot_set {
  std::string problem;             ///< why plots are missing; empty when none is
  std::string trade;               ///< SVG; both sides of each design in one picture
  std::vector<std::string> tails;  ///< SVG, one per recording, in the order of result::recordings
};

/// A colour of a design by its place in settings::designs; told apart by the colour-blind (Okabe and Ito), too.
[[nodiscard]] std::string_view colour_of(std::size_t design) noexcept;

/// "02_nginx_wrk": a file name made of a number and a recording's name.
[[nodiscard]] std::string file_name_of(std::size_t index, std::string_view name);

/// Writes *.tsv and *.gp into `folder`, and the SVG beside them when gnuplot is installed. Throws
/// std::filesystem::filesystem_error or std::ios_base::failure.
[[nodiscard]] plot_set draw_plots(const campaign_result& from, const std::filesystem::path& folder);

}  // namespace rcuvm::report
