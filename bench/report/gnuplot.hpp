// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace rcuvm::report {

/// What all plots look like.
inline constexpr std::string_view common_style =
    "set border 3 lc rgb '#9a9a9a'\n"
    "set tics nomirror textcolor rgb '#404040'\n"
    "set grid lc rgb '#e4e4e4' lt 1 lw 0.7\n";
/// Nanoseconds along `axis` ('x' or 'y'), in the units one reads.
[[nodiscard]] std::string time_tics(char axis);

/// Writes NAME.tsv and NAME.gp into `folder`, and draws NAME.svg beside them. Empty, or why there is no picture.
/// Throws std::ios_base::failure.
[[nodiscard]] std::string draw(const std::filesystem::path& folder, const std::string& name,
                               const std::string& data, const std::string& script);

/// A name for a plot's key: in single quotes, with nothing that ends them, and on one line.
[[nodiscard]] std::string gnuplot_text(std::string from);

/// An SVG file's element, without what comes before it, to stand inside a page. Empty: no such file.
[[nodiscard]] std::string read_svg(const std::filesystem::path& file);

}  // namespace rcuvm::report
