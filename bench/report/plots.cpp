// SPDX-License-Identifier: Apache-2.0
#include "bench/report/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench/report/gnuplot.hpp"
#include "bench/report/metric.hpp"
#include "bench/report/summary.hpp"
#include "bench/report/write_file.hpp"

namespace rcuvm::report {

namespace {

using replay::walker;

// A recording's tails: what is drawn, from which runs.
struct panel {
  std::string_view title;
  walker mode;
  replay::latency_histogram replay::distributions::* shape;
};
constexpr panel panels[] = {
    {"Page faults", walker::none, &replay::distributions::faults},
    {"Writers", walker::none, &replay::distributions::writers},
    {"Writers while maps are walked in chunks", walker::chunked, &replay::distributions::writers},
    {"Walks in chunks", walker::chunked, &replay::distributions::walks},
};

constexpr double least_step = 1.03;  // between two points of a curve

/// One block per panel and design: latency, share of calls that are slower.
std::string tails_data(const campaign_result& from, const std::string& recording) {
  std::string made = "# latency_ns\tshare_of_calls_that_took_at_least_as_long\n";
  for (const panel& one : panels) {
    for (const std::string& design : from.data.how.designs) {
      made += fmt::format("# {}, {}\n", one.title, design);
      const auto found = from.shapes.find({recording, design, one.mode});
      std::size_t points = 0;
      if (found != from.shapes.end()) {
        double last = 0;
        (found->second.*one.shape).for_each_tail([&](double latency_ns, double share) {
          if (latency_ns < last * least_step) return;
          last = latency_ns;
          ++points;
          made += fmt::format("{:.0f}\t{:.3g}\n", latency_ns, share);
        });
      }
      if (points == 0) made += "10\t1\n";  // gnuplot numbers blocks by what stands in them
      made += "\n\n";
    }
  }
  return made;
}

/// Where the panels of a recording end, so that all four have one scale.
double slowest_of(const campaign_result& from, const std::string& recording) {
  double slowest = 100;
  for (const panel& one : panels) {
    for (const std::string& design : from.data.how.designs) {
      const auto found = from.shapes.find({recording, design, one.mode});
      if (found != from.shapes.end()) slowest = std::max(slowest, (found->second.*one.shape).quantile_ns(1));
    }
  }
  return slowest;
}

std::string tails_script(const result& from, const std::string& name, double slowest) {
  std::string made = fmt::format(
      "# gnuplot {0}.gp draws {0}.svg from {0}.tsv\n"
      "set terminal svg size 980,660 noenhanced font 'Helvetica,Arial,sans-serif,12' name '{0}' background "
      "'#ffffff'\n"
      "set output '{0}.svg'\n{1}"
      "set logscale xy\nset yrange [1e-6:1]\nset xrange [10:{2:.0f}]\n{3}"
      "set ytics ('all' 1, '10 %%' 1e-1, '1 %%' 1e-2, '0.1 %%' 1e-3, '0.01 %%' 1e-4, '10 ppm' 1e-5, '1 ppm' "
      "1e-6)\n"
      "set key top right samplen 1.5 textcolor rgb '#404040'\n"
      "set multiplot layout 2,2\n",
      name, common_style, 1.2 * slowest, time_tics('x'));
  for (std::size_t which = 0; which < std::size(panels); ++which) {
    made += fmt::format("set title '{}' textcolor rgb '#202020'\nplot ", panels[which].title);
    for (std::size_t design = 0; design < from.how.designs.size(); ++design) {
      made += fmt::format("{}'{}.tsv' index {} with lines lw 1.6 lc rgb '{}' title {}",
                          design == 0 ? "" : ", ", name, which * from.how.designs.size() + design,
                          colour_of(design), gnuplot_text(from.how.designs[design]));
    }
    made += "\nunset key\n";
  }
  return made + "unset multiplot\n";
}

double ratio_of(const result& from, const recording_facts& recording, std::string_view design, walker mode,
                std::string_view key) {
  const double base = spread_of(from, recording.name, from.how.designs.front(), mode, key).median;
  return base > 0 ? spread_of(from, recording.name, design, mode, key).median / base : 0;
}

std::string trade_data(const result& from) {
  std::string made = "# writer_p99_ratio\tfault_p99_ratio\trecording\n";
  for (const std::string& design : from.how.designs) {
    made += fmt::format("# {}\n", design);
    for (const recording_facts& one : from.recordings) {
      const double writers = ratio_of(from, one, design, walker::none, "writer.p99_ns");
      const double faults = ratio_of(from, one, design, walker::none, "fault.p99_ns");
      made += fmt::format("{:.4g}\t{:.4g}\t\"{}\"\n", writers > 0 ? writers : 1, faults > 0 ? faults : 1,
                          file_name_of(0, one.name).substr(3));
    }
    made += "\n\n";
  }
  return made;
}

std::string trade_script(const result& from) {
  std::string made = fmt::format(
      "# gnuplot trade.gp draws trade.svg from trade.tsv\n"
      "set terminal svg size 760,420 noenhanced font 'Helvetica,Arial,sans-serif,13' name 'trade' background "
      "'#ffffff'\n"
      "set output 'trade.svg'\n{}"
      "set logscale xy 2\nset format xy '%gx'\nset offsets 0, 0, 0, 0\n"
      "set xlabel 'p99 of calls that change the maps, against the baseline' textcolor rgb '#404040'\n"
      "set ylabel 'p99 of page faults, against the baseline' textcolor rgb '#404040'\n"
      "set key outside right top samplen 1 textcolor rgb '#404040'\n"
      "set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb '#9a9a9a' dt 2\n"
      "set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#9a9a9a' dt 2\n"
      "plot ",
      common_style);
  static constexpr std::array<int, 6> shapes{1, 7, 5, 9, 11, 13};
  for (std::size_t design = 1; design < from.how.designs.size(); ++design) {
    made += fmt::format("{}'trade.tsv' index {} using 1:2 with points pt {} ps 1.1 lc rgb '{}' title {}",
                        design == 1 ? "" : ", ", design, shapes[design % shapes.size()], colour_of(design),
                        gnuplot_text(from.how.designs[design]));
  }
  return made + "\n";
}

std::string summary_data(const result& from) {
  std::string made = "# recording\tdesign\twalker\tfigure\tmedian\tmin\tmax\trepetitions\n";
  for (const recording_facts& recording : from.recordings) {
    for (const std::string& design : from.how.designs) {
      for (const metric* one : metrics_in(from, false)) {
        const spread found = spread_of(from, recording.name, design, one->mode, one->key);
        if (found.count == 0) continue;
        made += fmt::format("{}\t{}\t{}\t{}\t{:.6g}\t{:.6g}\t{:.6g}\t{}\n",
                            file_name_of(0, recording.name).substr(3), design, replay::name_of(one->mode),
                            one->key, found.median, found.min, found.max, found.count);
      }
    }
  }
  return made;
}

}  // namespace

std::string_view colour_of(std::size_t design) noexcept {
  static constexpr std::array<std::string_view, 10> colours{"#5b5b5b", "#d55e00", "#cc79a7", "#0072b2",
                                                            "#009e73", "#e69f00", "#56b4e9", "#8a6d3b",
                                                            "#7b3294", "#000000"};
  return colours[design % colours.size()];
}

std::string file_name_of(std::size_t index, std::string_view name) {
  std::string safe{name};
  const auto is_unsafe = [](char byte) {
    const bool is_plain =
        (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    return !is_plain && byte != '-' && byte != '_';
  };
  std::ranges::replace_if(safe, is_unsafe, '_');
  return fmt::format("{:02}_{}", index, safe);
}

plot_set draw_plots(const campaign_result& from, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file(folder / "summary.tsv", summary_data(from.data));
  plot_set made;
  const auto draw_into = [&](const std::string& name, const std::string& data, const std::string& script) {
    const std::string problem = draw(folder, name, data, script);
    if (problem.empty()) return read_svg(folder / (name + ".svg"));
    made.problem = problem;
    return std::string{};
  };
  if (from.data.how.designs.size() > 1)
    made.trade = draw_into("trade", trade_data(from.data), trade_script(from.data));
  for (std::size_t index = 0; index < from.data.recordings.size(); ++index) {
    const std::string& recording = from.data.recordings[index].name;
    const std::string name = file_name_of(index + 1, recording);
    made.tails.push_back(draw_into(name, tails_data(from, recording),
                                   tails_script(from.data, name, slowest_of(from, recording))));
  }
  return made;
}

}  // namespace rcuvm::report
