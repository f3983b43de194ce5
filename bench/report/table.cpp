// SPDX-License-Identifier: Apache-2.0
#include "bench/report/table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/report/metric.hpp"
#include "bench/report/summary.hpp"
#include "bench/report/words.hpp"

namespace rcuvm::report {

namespace {

std::string mark_of(verdict found) {
  switch (found) {
    case verdict::better: return "+";
    case verdict::worse: return "-";
    case verdict::unclear: break;
  }
  return " ";
}

/// One side's figures: per design and figure the ratio, its mark, and the absolute value.
std::string side_text(const result& from, side which) {
  std::vector<const metric*> columns;
  for (const metric* one : metrics_in(from, true)) {
    if (one->of == which) columns.push_back(one);
  }
  if (columns.empty()) return {};
  text_table made;
  std::vector<std::string> head{std::string{name_of(which)}};
  for (const metric* one : columns) head.emplace_back(one->title);
  made.add(std::move(head));
  for (const std::string& design : from.how.designs) {
    std::vector<std::string> row{"  " + design};
    for (const metric* one : columns) {
      const summary_cell cell = summarize(from, *one, design);
      const std::string absolute = to_text(cell.absolute, one->in);
      const bool is_relative =
          one->aggregate() == over_all::geometric_mean && design != from.how.designs.front();
      row.push_back(is_relative ? fmt::format("{}{} {:>9}", ratio_text(cell.ratio),
                                              mark_of(judge(cell, *one)), absolute)
                                : absolute);
    }
    made.add(std::move(row));
  }
  return made.to_text();
}

}  // namespace

std::size_t width_of(const std::string& text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

std::string text_table::to_text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], width_of(row[column]));
    }
  }
  std::string made;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const std::string padding(widths[column] - width_of(row[column]), ' ');
      line += column == 0 ? row[column] + padding : "   " + padding + row[column];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    made += line + "\n";
  }
  return made;
}

std::string summary_text(const result& from) {
  std::string made = fmt::format(
      "{} recording{}, {} worker{}, {} repetition{} ({} passes each); against {}\n", from.recordings.size(),
      from.recordings.size() == 1 ? "" : "s", from.how.workers, from.how.workers == 1 ? "" : "s",
      from.how.repetitions, from.how.repetitions == 1 ? "" : "s",
      [&] {
        std::vector<std::uint32_t> passes;
        for (const auto& one : from.recordings) passes.push_back(one.passes);
        if (passes.empty()) return std::string{"0"};
        const auto [low, high] = std::ranges::minmax(passes);
        return low == high ? std::to_string(low) : fmt::format("{} to {}", low, high);
      }(),
      from.how.designs.front());
  made +=
      "geometric means over the recordings; + clearly better, - clearly worse, blank: within the spread\n\n";
  for (side which : sides) {
    if (std::string text = side_text(from, which); !text.empty()) made += text + "\n";
  }
  made += yardstick(from) + "\n";
  for (const findings& one : find(from)) made += "  " + one_line(one) + "\n";
  for (const std::string& warning : warnings_of(from)) made += "! " + warning + "\n";
  for (const std::string& note : from.notes) made += "  " + note + "\n";
  return made;
}

}  // namespace rcuvm::report
