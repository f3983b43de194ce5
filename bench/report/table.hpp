// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Plain-text tables for a terminal.

#include <cstddef>
#include <string>
#include <vector>

#include "bench/report/result.hpp"

namespace rcuvm::report {

/// Rows of cells, the first row the heads, the first column to the left and the others to the right.
class text_table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string to_text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Columns on a terminal: bytes that do not continue a UTF-8 character.
[[nodiscard]] std::size_t width_of(const std::string& text) noexcept;

/// Designs as rows: figures relative to the baseline, then absolute; then what cannot be relative.
[[nodiscard]] std::string summary_text(const result& from);

}  // namespace rcuvm::report
