// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rcuvm::report {

enum class gnuplot_outcome : std::uint8_t { drawn, not_installed, failed };

/// Runs `gnuplot SCRIPT` in `folder`.
[[nodiscard]] gnuplot_outcome run_gnuplot(const std::filesystem::path& folder, const std::string& script);

/// A name for a plot's key: in single quotes, with nothing that ends them, and on one line.
[[nodiscard]] std::string gnuplot_text(std::string from);

/// An SVG file's element, without what comes before it, to stand inside a page. Empty: no such file.
[[nodiscard]] std::string read_svg(const std::filesystem::path& file);

}  // namespace rcuvm::report
