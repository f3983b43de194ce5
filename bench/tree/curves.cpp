// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/curves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "bench/report/gnuplot.hpp"
#include "bench/report/plots.hpp"
#include "bench/tree/rivals/rivals.hpp"

namespace rcuvm::tree_bench {

namespace {

struct panel {
  std::string_view title;
  std::string_view what;
  std::string_view keys;
  std::string_view counter;
  std::string_view unit;
};
constexpr std::array panels{
    panel{"Lookup, each after the other", "find_dependent", "uniform", "ns", "ns"},
    panel{"Lookup, independent, a section each", "find_each", "uniform", "ns", "ns"},
    panel{"Lookups, overlapped", "find_many", "uniform", "ns", "ns"},
    panel{"Store or erase, published, old nodes freed", "replace", "", "ns", "ns"},
    panel{"Walk, per range", "walk", "", "ns", "ns"},
    panel{"Index per range, after random inserts", "bytes", "", "bytes", "bytes"},
};

/// A rival's points in one panel, by size.
using curve = std::map<std::size_t, double>;

std::optional<std::size_t> size_of(const std::string& data) {
  std::size_t size = 0;
  const auto [end, problem] = std::from_chars(data.data(), data.data() + data.size(), size);
  if (problem != std::errc{} || end != data.data() + data.size()) return std::nullopt;
  return size;
}

curve curve_of(const figures& from, const panel& in, const std::string& rival) {
  curve made;
  for (const auto& [of, rivals] : from.all()) {
    const auto size = size_of(of.data);
    if (of.what != in.what || of.keys != in.keys || !size) continue;
    if (const auto value = from.median(of, rival, in.counter)) made[*size] = *value;
  }
  return made;
}

/// The order of colours: rcuvm, then the rivals as they are listed.
std::vector<std::string> rivals_in(const figures& from) {
  std::set<std::string> seen;
  for (const auto& [of, rivals] : from.all()) {
    for (const auto& [rival, counted] : rivals) seen.insert(rival);
  }
  return in_order_of_rivals(seen);
}

/// The data, in blocks that gnuplot numbers, and the lines that draw each block.
struct drawing {
  std::string data = "# ranges\tmedian\n";
  std::string plots;
  std::size_t blocks = 0;
};

void add_panel(drawing& to, const figures& from, const panel& one, const std::vector<std::string>& rivals) {
  std::string lines;
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    const curve points = curve_of(from, one, rivals[i]);
    if (points.size() < 2) continue;
    to.data += fmt::format("# {}, {}\n", one.title, rivals[i]);
    for (const auto& [size, value] : points) to.data += fmt::format("{}\t{:.5g}\n", size, value);
    to.data += "\n\n";
    lines += fmt::format("{}'curves.tsv' index {} with linespoints lw {} pt 7 ps 0.35 lc rgb '{}' title {}",
                         lines.empty() ? "plot " : ", ", to.blocks++, rivals[i] == "rcuvm" ? 2.6 : 1.3,
                         report::colour_of(i), report::gnuplot_text(rivals[i]));
  }
  if (lines.empty()) return;
  to.plots +=
      fmt::format("set title '{}' textcolor rgb '#202020'\nset ylabel '{}' textcolor rgb '#404040'\n{}\n",
                  one.title, one.unit, lines);
}

}  // namespace

const std::vector<std::size_t>& curve_sizes() {
  static const std::vector<std::size_t> made{10,     40,     100,     400,     1'000,     4'000,
                                             10'000, 40'000, 100'000, 400'000, 1'000'000, 4'000'000};
  return made;
}

std::string curve_filter() {
  std::string made;
  for (const panel& one : panels) {
    made += fmt::format("{}^{}/{}", made.empty() ? "" : "|", one.what, one.keys);
  }
  return made;
}

std::string draw_curves(const figures& from, const std::filesystem::path& folder) {
  drawing made;
  const std::vector<std::string> rivals = rivals_in(from);
  for (const panel& one : panels) add_panel(made, from, one, rivals);
  if (made.blocks == 0) return "no curves: one size alone was measured";
  std::filesystem::create_directories(folder);
  return report::draw(
      folder, "curves", made.data,
      fmt::format(
          "# gnuplot curves.gp draws curves.svg from curves.tsv\n"
          "set terminal svg size 1080,1180 noenhanced font 'Helvetica,Arial,sans-serif,12' name 'curves' "
          "background '#ffffff'\n"
          "set output 'curves.svg'\n{}"
          "set logscale xy\nset xtics ('10' 10, '100' 100, '1,000' 1e3, '10,000' 1e4, '100,000' 1e5, '1 M' "
          "1e6)\n"
          "set format y '%g'\nset key top left samplen 1.5 textcolor rgb '#404040'\n"
          "set multiplot layout 3,2\n{}unset multiplot\n",
          report::common_style, made.plots));
}

}  // namespace rcuvm::tree_bench
