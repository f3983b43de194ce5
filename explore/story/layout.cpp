// SPDX-License-Identifier: Apache-2.0

/// A story as lines of text.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "explore/story/cut.hpp"
#include "explore/story/story.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::size_t first_rows = 120;  // of a long story: its beginning and its end
constexpr std::size_t last_rows = 280;

class layout {
 public:
  layout(const story& from, std::size_t width) : from_{from}, width_{width} { measure(); }

  std::string to_text(std::string_view replay) {
    tell_head();
    const std::size_t count = from_.rows.size();
    for (std::size_t i = 0; i != count; ++i) {
      if (count > first_rows + last_rows && i == first_rows) {
        add_line(fmt::format("     … {} rows are left out …", count - first_rows - last_rows));
        i = count - last_rows;
      }
      tell_row(from_.rows[i]);
    }
    tell_objects();
    if (from_.kind != finding_kind::none)
      add_line(fmt::format("\n{}: {}", name_of(from_.kind), from_.what), keep_whole);
    tell_stacks();
    if (!from_.has_lines) {
      add_line("\naddr2line is not there (Debian: binutils): the numbers are addresses in the program");
    }
    if (!replay.empty()) add_line(fmt::format("\nreplay: {}", replay), keep_whole);
    return std::move(text_);
  }

 private:
  static constexpr std::size_t number_width = 5;
  static constexpr bool keep_whole = false;

  void add_line(std::string_view line, bool is_cut = true) {
    const std::size_t begin = line.starts_with('\n') ? 1 : 0;
    if (begin == 1) text_ += '\n';
    std::string made = is_cut ? cut(line.substr(begin), width_) : std::string{line.substr(begin)};
    made.erase(made.find_last_not_of(' ') + 1);
    text_ += made;
    text_ += '\n';
  }

  /// Columns: one for each thread that is in a row, as wide as its texts, up to three fifths of the line in all.
  void measure() {
    columns_.assign(from_.threads.size(), 0);
    for (const story::row& each : from_.rows) {
      std::size_t& column = columns_[static_cast<std::size_t>(each.thread)];
      column = std::max(
          {column, width_of(text_of(each)), width_of(from_.threads[static_cast<std::size_t>(each.thread)])});
      place_ = std::max(place_, width_of(place_of(each)));
    }
    place_ = std::min(place_, width_ / 4);
    const auto shown =
        static_cast<std::size_t>(std::ranges::count_if(columns_, [](std::size_t one) { return one != 0; }));
    if (shown == 0) return;
    const std::size_t all = width_ * 3 / 5 - number_width;
    std::size_t at_most = all / shown - 2;
    // What narrow columns leave free belongs to the wide ones.
    for (int round = 0; round != 4; ++round) {
      std::size_t used = 0;
      std::size_t wide = 0;
      for (const std::size_t each : columns_) {
        if (each != 0) used += std::min(each, at_most) + 2;
        if (each > at_most) ++wide;
      }
      if (wide == 0 || used >= all) break;
      at_most += (all - used) / wide;
    }
    for (std::size_t& each : columns_) each = std::min(each, at_most);
  }

  static std::string text_of(const story::row& row) {
    switch (row.what_kind) {
      case story::row::kind::step: return row.what;
      case story::row::kind::plain: return "· " + row.what;
      case story::row::kind::end: return "✗ " + row.what;
    }
    return {};
  }
  static std::string place_of(const story::row& row) {
    return row.where.file.empty() ? row.where.function : row.where.to_text();
  }

  void tell_head() {
    std::string line(number_width, ' ');
    std::string rule(number_width, ' ');
    for (std::size_t i = 0; i != columns_.size(); ++i) {
      if (columns_[i] == 0) continue;
      line += filled(cut(from_.threads[i], columns_[i]), columns_[i]) + "  ";
      for (std::size_t k = 0; k != columns_[i]; ++k) rule += "─";
      rule += "  ";
    }
    add_line(line);
    add_line(rule);
  }

  void tell_row(const story::row& row) {
    std::string line = row.number == 0 ? std::string(number_width, ' ') : fmt::format("{:>4} ", row.number);
    for (std::size_t i = 0; i != columns_.size(); ++i) {
      if (columns_[i] == 0) continue;
      const bool is_mine = i == static_cast<std::size_t>(row.thread);
      line += filled(is_mine ? cut(text_of(row), columns_[i]) : "", columns_[i]) + "  ";
    }
    line += filled(cut_front(place_of(row), place_), place_) + "  " + row.where.text;
    add_line(line);
  }

  void tell_objects() {
    if (from_.objects.empty()) return;
    add_line("\nObjects");
    std::size_t type = 0;
    for (const story::object& each : from_.objects) type = std::max(type, width_of(each.type));
    type = std::min(type, width_ / 4);
    for (const story::object& each : from_.objects) {
      std::string fate = "by " + each.allocated_by;
      if (!each.freed_by.empty()) fate += ", freed by " + each.freed_by;
      add_line(fmt::format("  {:<4} {} {:>5} bytes, allocated at {} {}   {}", each.name,
                           filled(cut(each.type, type), type), each.bytes,
                           each.allocated_at.file.empty() ? "?" : each.allocated_at.to_text(), fate,
                           each.allocated_at.text));
    }
  }

  void tell_stacks() {
    std::size_t function = 0;
    std::size_t place = 0;
    for (const story::stack& each : from_.stacks) {
      for (const told_place& one : each.frames) {
        function = std::max(function, width_of(one.function));
        place = std::max(place, width_of(one.to_text()));
      }
    }
    function = std::min(function, width_ / 3);
    place = std::min(place, width_ / 3);
    for (const story::stack& each : from_.stacks) {
      add_line("\n" + each.title);
      if (each.frames.empty()) add_line("    (no frame of this project)");
      for (const told_place& one : each.frames) {
        add_line(fmt::format("    {}  {}  {}", filled(cut(one.function, function), function),
                             filled(cut_front(one.to_text(), place), place), one.text));
      }
    }
  }

  const story& from_;
  const std::size_t width_;
  std::vector<std::size_t> columns_;  ///< widths by thread; 0: not shown
  std::size_t place_ = 0;
  std::string text_;
};

}  // namespace

std::string to_text(const story& from, std::string_view replay, std::size_t width) {
  return layout{from, width}.to_text(replay);
}

std::size_t story_width() {
  std::size_t width = 140;
  if (const char* const said = std::getenv("COLUMNS")) std::from_chars(said, said + std::strlen(said), width);
  return std::clamp<std::size_t>(width, 80, 200);
}

}  // namespace rcuvm::explore
