// SPDX-License-Identifier: Apache-2.0
#include "bench/report/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "bench/report/list_text.hpp"
#include "bench/report/metric.hpp"
#include "bench/report/summary.hpp"
#include "bench/report/words.hpp"

namespace rcuvm::report {

namespace {

using replay::walker;

std::string_view class_of(verdict found) {
  switch (found) {
    case verdict::better: return "good";
    case verdict::worse: return "bad";
    case verdict::unclear: break;
  }
  return "";
}

std::string_view sign_of(verdict found) {
  switch (found) {
    case verdict::better: return "+";
    case verdict::worse: return "&minus;";
    case verdict::unclear: break;
  }
  return "&nbsp;";
}

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class page {
 public:
  page(const campaign_result& from, const plot_set& plots) : data_{from.data}, plots_{plots} {}

  std::string write() {
    out_ = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>rcuvm: {} designs on {} recordings</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
        data_.how.designs.size(), data_.recordings.size(), page_style);
    head();
    shown();
    summary_table();
    trade();
    proofs();
    traffic_table();
    workloads();
    grace_curve();
    recordings();
    method();
    machine();
    out_ += "</main>\n</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  [[nodiscard]] std::string design_name(const std::string& design) const {
    const auto place = std::ranges::find(data_.how.designs, design) - data_.how.designs.begin();
    return fmt::format("<span class=\"dot\" style=\"background:{}\"></span>{}",
                       colour_of(static_cast<std::size_t>(place)), escape_html(design));
  }
  [[nodiscard]] const std::string& baseline() const { return data_.how.designs.front(); }

  void head() {
    out_ += "<h1>Address-space locking designs, measured on recorded programs</h1>\n";
    out_ += fmt::format(
        "<p class=\"lead\">rcuvm {} &middot; {} &middot; {} &middot; {} core{} &middot; {}</p>\n",
        escape_html(data_.machine.version), escape_html(data_.machine.date), escape_html(data_.machine.cpu),
        data_.machine.cores, data_.machine.cores == 1 ? "" : "s", escape_html(data_.machine.kernel));
    std::vector<std::string> warnings = warnings_of(data_);
    warnings.insert(warnings.end(), data_.notes.begin(), data_.notes.end());
    if (!plots_.problem.empty()) warnings.push_back(plots_.problem);
    if (warnings.empty()) return;
    out_ += "<div class=\"warnings\"><strong>Read the figures with this in mind</strong>\n<ul>\n";
    for (const std::string& one : warnings) out_ += fmt::format("<li>{}</li>\n", escape_html(one));
    out_ += "</ul></div>\n";
  }

  void list(std::string_view title, const std::vector<finding>& items, std::string_view css) {
    if (items.empty()) return;
    out_ += fmt::format("<h4 class=\"{}\">{}</h4>\n<table>\n<tbody>\n", css, title);
    for (const finding& one : items) {
      const std::string against =
          one.against_on == 0 ? std::string{} : fmt::format(", the other way on {}", one.against_on);
      out_ +=
          fmt::format("<tr><th scope=\"row\">{}</th><td><b>{}</b></td><td>on {} of {}{}</td></tr>\n",
                      escape_html(one.title), ratio_text(one.ratio), one.clear_on, one.recordings, against);
    }
    out_ += "</tbody>\n</table>\n";
  }

  void shown() {
    out_ += fmt::format("<h2>What this shows</h2>\n<p>{}</p>\n", escape_html(yardstick(data_)));
    out_ += "<div class=\"findings\">\n";
    for (const findings& one : find(data_)) {
      out_ += fmt::format("<section>\n<h3>{}</h3>\n<p class=\"soft\">{}</p>\n", design_name(one.design),
                          escape_html(summary_of_design(one.design)));
      list("+ clearly better", one.better, "good");
      list("&minus; clearly worse", one.worse, "bad");
      if (!one.unclear.empty()) {
        out_ += fmt::format("<h4>no clear difference</h4>\n<p>{}</p>\n", escape_html(list_text(one.unclear)));
      }
      if (!one.prices.empty()) out_ += "<h4>what it waited for and held</h4>\n";
      for (const std::string& price : one.prices) out_ += fmt::format("<p>{}</p>\n", escape_html(price));
      out_ += "</section>\n";
    }
    out_ += "</div>\n";
  }

  [[nodiscard]] std::string summary_of_design(const std::string& name) const {
    const auto found = data_.how.summaries.find(name);
    return found == data_.how.summaries.end() ? std::string{} : found->second;
  }

  void summary_table() {
    out_ +=
        "<h2>Summary over all recordings</h2>\n"
        "<p class=\"soft\">Large: the geometric mean of the ratios to the baseline; small: that of the "
        "medians. + and "
        "&minus; stand where the difference is clear (see above). Bytes are the largest of the recordings, "
        "counts "
        "their sum over one replay of each.</p>\n<div class=\"sides\">\n";
    for (side which : sides) {
      std::vector<const metric*> columns;
      for (const metric* one : metrics_in(data_, true)) {
        if (one->of == which) columns.push_back(one);
      }
      if (!columns.empty()) summary_side(which, columns);
    }
    out_ += "</div>\n";
  }

  void summary_side(side which, const std::vector<const metric*>& columns) {
    out_ += fmt::format("<section><div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">{}</th>",
                        name_of(which));
    for (const metric* one : columns)
      out_ += fmt::format("<th scope=\"col\">{}</th>", escape_html(one->title));
    out_ += "</tr></thead>\n<tbody>\n";
    for (const std::string& design : data_.how.designs) {
      out_ += fmt::format("<tr{}><th scope=\"row\">{}</th>",
                          design == baseline() ? " class=\"baseline\"" : "", design_name(design));
      for (const metric* one : columns) out_ += summary_cell_html(*one, design);
      out_ += "</tr>\n";
    }
    out_ += "</tbody>\n</table></div>\n<dl class=\"facts soft\">\n";
    for (const metric* one : columns) {
      out_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(one->title), escape_html(one->caption));
    }
    out_ += "</dl></section>\n";
  }

  [[nodiscard]] std::string summary_cell_html(const metric& of, const std::string& design) const {
    const summary_cell cell = summarize(data_, of, design);
    const std::string absolute = escape_html(to_text(cell.absolute, of.in));
    if (of.aggregate() != over_all::geometric_mean || design == baseline())
      return fmt::format("<td>{}</td>", absolute);
    const verdict found = judge(cell, of);
    return fmt::format(
        "<td class=\"{}\"><b>{}</b><span class=\"sign\">{}</span><span class=\"abs\">{}</span></td>",
        class_of(found), ratio_text(cell.ratio), sign_of(found), absolute);
  }

  void figure(const std::string& svg, std::string_view caption) {
    if (svg.empty()) return;
    out_ += fmt::format("<figure>\n<div class=\"plot\">{}</div>\n<figcaption>{}</figcaption>\n</figure>\n",
                        svg, caption);
  }

  void trade() {
    if (plots_.trade.empty()) return;
    out_ += "<h2>Both sides in one picture</h2>\n";
    figure(plots_.trade,
           fmt::format("One mark per recording and design, relative to <code>{}</code> (the dashed cross). "
                       "Left: cheaper for writers; down: cheaper for faults. Bottom left is a gain on both "
                       "sides, top left and bottom right are trades.",
                       escape_html(baseline())));
  }

  /// The rest of a table's head, and the begin of its body.
  void design_heads() {
    for (const std::string& design : data_.how.designs)
      out_ += fmt::format("<th scope=\"col\">{}</th>", design_name(design));
    out_ += "</tr></thead>\n<tbody>\n";
  }

  void proof_cell(const proof& of, bool says_design) {
    out_ +=
        fmt::format("<p class=\"{}\">{}{}</p>", of.holds ? "good" : "bad",
                    says_design ? escape_html(of.design) + ": " : std::string{}, escape_html(to_text(of)));
    if (!of.is_as_expected) out_ += "<p class=\"bad\"><b>not as expected</b></p>";
    if (!of.replay.empty()) out_ += fmt::format("<p><code>{}</code></p>", escape_html(of.replay));
  }

  void proof_row(std::span<const proof> of) {
    out_ += fmt::format("<tr><th scope=\"row\">{}<span class=\"abs\">{}</span></th><td>{}</td>",
                        escape_html(of.front().scenario), escape_html(of.front().summary),
                        escape_html(of.front().claim));
    const auto of_design = [of](const std::string& design) {
      return std::ranges::find(of, design, &proof::design);
    };
    const bool has_designs = std::ranges::any_of(
        data_.how.designs, [&](const std::string& design) { return of_design(design) != of.end(); });
    if (!has_designs) {
      out_ += fmt::format("<td colspan=\"{}\">", data_.how.designs.size());
      for (const proof& one : of) proof_cell(one, of.size() > 1);
      out_ += "</td></tr>\n";
      return;
    }
    for (const std::string& design : data_.how.designs) {
      out_ += "<td>";
      if (const auto one = of_design(design); one != of.end()) proof_cell(*one, false);
      out_ += "</td>";
    }
    out_ += "</tr>\n";
  }

  void proofs() {
    if (data_.proofs.empty()) return;
    out_ +=
        "<h2>Which races there are</h2>\n<p class=\"soft\">The explorer ran the library's own code, compiled "
        "a "
        "second time, in small scenarios: every interleaving up to the bound that is named. A scenario that "
        "holds "
        "counts because the same search fails when a wait or a check is left out (<code>rcuvm explore "
        "--mutations</code>). It does not see: weak memory (an atomic load reads the newest store; the small "
        "protocols are "
        "proved under the C++ model by Relacy), more threads than a scenario has, the real liburcu (RCU is "
        "its "
        "specification there), spurious wake-ups.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th "
        "scope=\"col\">scenario</th><th scope=\"col\">promise</th>";
    design_heads();
    const std::span<const proof> all{data_.proofs};
    for (std::size_t first = 0; first < all.size();) {
      std::size_t end = first;
      while (end < all.size() && all[end].scenario == all[first].scenario) ++end;
      proof_row(all.subspan(first, end - first));
      first = end;
    }
    out_ += "</tbody>\n</table></div>\n";
  }

  void workloads() {
    if (data_.workloads.empty()) return;
    out_ += fmt::format(
        "<h2>Known workloads</h2>\n<p class=\"soft\">Loops a second of each kind of thread: under {} as they "
        "are, under the others against it. Short runs (<code>rcuvm workload NAME</code> takes its time, and "
        "shows the calls): small differences say nothing. * more threads than cores.{}</p>\n"
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">workload</th>"
        "<th scope=\"col\">threads of the kind</th>",
        escape_html(baseline()),
        has_other_readers() ? fmt::format(" The last column is mmap-lock with readers that {}.",
                                          way_of(sync::other_than(data_.how.readers)))
                            : std::string{});
    for (const std::string& design : data_.how.designs)
      out_ += fmt::format("<th scope=\"col\">{}</th>", design_name(design));
    if (has_other_readers())
      out_ += fmt::format("<th scope=\"col\">mmap-lock, readers {}</th>",
                          sync::name_of(sync::other_than(data_.how.readers)));
    out_ += "</tr></thead>\n<tbody>\n";
    for (const workload_facts& one : data_.workloads) {
      const auto base = one.medians.find(baseline());
      if (base == one.medians.end()) continue;
      for (const auto& [key, value] : base->second) {
        if (key.ends_with(rate)) workload_row(one, key, value);
      }
    }
    out_ += "</tbody>\n</table></div>\n";
  }

  static constexpr std::string_view rate = ".loops_per_s";

  void workload_row(const workload_facts& of, std::string_view key, double base) {
    out_ +=
        fmt::format("<tr><th scope=\"row\" title=\"{}; {}\">{}{}</th><td>{}</td>", escape_html(of.what),
                    escape_html(of.source), escape_html(of.name), of.threads > data_.machine.cores ? "*" : "",
                    escape_html(key.substr(0, key.size() - rate.size())));
    const auto ratio_cell = [&](double value) {
      out_ += fmt::format("<td>{}</td>", value > 0 && base > 0 ? ratio_text(value / base) : std::string{});
    };
    for (const std::string& design : data_.how.designs) {
      const auto got = of.medians.find(design);
      if (design == baseline()) {
        out_ += fmt::format("<td>{}</td>", to_text(base, unit::per_second));
      } else {
        ratio_cell(got == of.medians.end() ? 0 : value_of(got->second, key));
      }
    }
    if (has_other_readers()) ratio_cell(value_of(of.other_readers, key));
    out_ += "</tr>\n";
  }

  [[nodiscard]] bool has_other_readers() const { return !data_.workloads.front().other_readers.empty(); }
  static std::string_view way_of(sync::reader_wait how) {
    return how == sync::reader_wait::sleep ? "sleep at once when they have to wait, as in Linux since 5.11"
                                           : "spin before they sleep, as in Linux 5.3 to 5.10";
  }

  /// 0 where there is none.
  static double value_of(const replay::figures& in, std::string_view key) {
    const auto found = in.find(key);
    return found == in.end() ? 0 : found->second;
  }

  void grace_curve() {
    if (data_.curve.empty()) return;
    out_ +=
        "<h2>The price of a grace period</h2>\n<p class=\"soft\">A mapper maps with MAP_FIXED, writes, "
        "unmaps, at the same address each time, while a reader stays inside for so long at a time: what each "
        "call takes on average, and the memory that is held for readers at most (<code>rcuvm "
        "grace-curve</code> has more readers, and plots).</p>\n";
    curve_table("munmap", "unmap.mean_ns", unit::nanoseconds);
    curve_table("MAP_FIXED", "map.mean_ns", unit::nanoseconds);
    curve_table("held for readers", "limbo.high_water_bytes", unit::bytes);
  }

  /// Points come in the order of measure_curve().
  void curve_table(std::string_view title, std::string_view key, unit in) {
    const std::span<const workload::curve_point> all{data_.curve};
    const auto is_another_row = [&](const workload::curve_point& one) {
      return one.stay_ns != all.front().stay_ns;
    };
    const std::size_t designs =
        static_cast<std::size_t>(std::ranges::find_if(all, is_another_row) - all.begin());
    out_ += fmt::format("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">{}; a reader stays</th>",
                        title);
    for (const workload::curve_point& one : all.first(designs))
      out_ += fmt::format("<th scope=\"col\">{}</th>", design_name(one.design));
    out_ += "</tr></thead>\n<tbody>\n";
    for (std::size_t row = 0; row + designs <= all.size(); row += designs) {
      out_ += fmt::format("<tr><th scope=\"row\">{}</th>",
                          to_text(static_cast<double>(all[row].stay_ns), unit::nanoseconds));
      for (const workload::curve_point& one : all.subspan(row, designs))
        out_ += fmt::format("<td>{}</td>", to_text(value_of(one.medians, key), in));
      out_ += "</tr>\n";
    }
    out_ += "</tbody>\n</table></div>\n";
  }

  void traffic_table() {
    if (data_.traffic.empty()) return;
    out_ +=
        "<h2>What an operation writes that others touch</h2>\n<p class=\"soft\">Read-modify-writes + stores "
        "of one operation to cache lines that another thread touches too, which takes page faults meanwhile. "
        "Counted in the checked library with faults of the zero page, without waiting or retries "
        "(<code>rcuvm explore --traffic</code>): the figure that decides beyond a few cores.</p>\n"
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">operation</th>";
    design_heads();
    const std::span<const traffic> all{data_.traffic};
    for (std::size_t first = 0; first < all.size();) {
      std::size_t end = first;
      while (end < all.size() && all[end].what == all[first].what) ++end;
      const auto row = all.subspan(first, end - first);
      out_ += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(row.front().what));
      for (const std::string& design : data_.how.designs) {
        const auto one = std::ranges::find(row, design, &traffic::design);
        out_ += one == row.end() ? "<td></td>"
                                 : fmt::format("<td>{:.3g} + {:.3g}</td>", one->updates, one->stores);
      }
      out_ += "</tr>\n";
      first = end;
    }
    out_ += "</tbody>\n</table></div>\n";
  }

  void recordings() {
    out_ +=
        "<h2>Recording by recording</h2>\n<p class=\"soft\">Median over the repetitions, and in small "
        "figures the least "
        "and the greatest. + and &minus;: no repetition lies among the baseline's.</p>\n";
    for (std::size_t index = 0; index < data_.recordings.size(); ++index) {
      const recording_facts& one = data_.recordings[index];
      out_ += fmt::format("<details{}>\n<summary>{} <span>&nbsp;{}</span></summary>\n",
                          index == 0 ? " open" : "", escape_html(one.name), escape_html(one.program));
      recording_facts_list(one);
      recording_table(one);
      if (index < plots_.tails.size()) {
        figure(plots_.tails[index],
               "Share of the calls (vertical) that took at least as long as this (horizontal), all "
               "repetitions together. Lower and further left is better.");
      }
      out_ += "</details>\n";
    }
  }

  void fact(std::string_view name, const std::string& value) {
    if (!value.empty()) out_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, escape_html(value));
  }

  void recording_facts_list(const recording_facts& one) {
    out_ += "<dl class=\"facts\">\n";
    fact("command", one.command);
    fact("replayed", fmt::format("{} calls and faults ({} faults) in {} by {}, {} per run", one.steps,
                                 one.faults, counted(one.spaces, "address space"), counted(one.tasks, "task"),
                                 counted(one.passes, "time")));
    fact("order kept", counted(one.waits, "wait") + " of one worker for another");
    std::string skipped;
    for (const auto& [why, count] : one.skipped)
      skipped += fmt::format("{}{} ({})", skipped.empty() ? "" : "; ", why, count);
    fact("not replayed", skipped);
    out_ += "</dl>\n";
  }

  void recording_table(const recording_facts& recording) {
    out_ += "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">figure</th>";
    design_heads();
    for (side which : sides) {
      bool is_first = true;
      for (const metric* one : metrics_in(data_, false)) {
        if (one->of != which || !has_figure(recording, *one)) continue;
        if (std::exchange(is_first, false)) {
          out_ += fmt::format("<tr class=\"side\"><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>\n",
                              data_.how.designs.size() + 1, name_of(which));
        }
        recording_row(recording, *one);
      }
    }
    out_ += "</tbody>\n</table></div>\n";
  }

  [[nodiscard]] bool has_figure(const recording_facts& recording, const metric& of) const {
    return std::ranges::any_of(data_.how.designs, [&](const std::string& design) {
      return spread_of(data_, recording.name, design, of.mode, of.key).max > 0;
    });
  }

  void recording_row(const recording_facts& recording, const metric& of) {
    out_ += fmt::format("<tr><th scope=\"row\" title=\"{}\">{}</th>", escape_html(of.caption),
                        escape_html(of.title));
    const spread base = spread_of(data_, recording.name, baseline(), of.mode, of.key);
    for (const std::string& design : data_.how.designs) {
      const spread mine = spread_of(data_, recording.name, design, of.mode, of.key);
      if (mine.count == 0) {
        out_ += "<td></td>";
        continue;
      }
      const verdict found = judge(mine, base, of);
      out_ += fmt::format("<td class=\"{}\">{}<span class=\"sign\">{}</span>", class_of(found),
                          escape_html(to_text(mine.median, of.in)), sign_of(found));
      if (mine.min != mine.max) {
        out_ += fmt::format("<span class=\"range\">{} to {}</span>", escape_html(to_text(mine.min, of.in)),
                            escape_html(to_text(mine.max, of.in)));
      }
      out_ += "</td>";
    }
    out_ += "</tr>\n";
  }

  void method() {
    const settings& how = data_.how;
    out_ += fmt::format(
        "<h2>How it was measured</h2>\n"
        "<p>Each recorded task belongs to one of {} workers. A worker runs its calls and faults in recorded "
        "order, as fast "
        "as it can; it waits for another worker where the recorded order matters: a call that changes a "
        "range waits for "
        "what happened in that range before, a fault for the last change of its page. These waits are in no "
        "latency. "
        "Mappings go where the kernel put them.</p>\n"
        "<p>The designs ran in turn (A B C D, B C D A, ...), {} time{} after a warm-up that is in no figure; "
        "each run "
        "three times: alone, with a thread that walks the maps in chunks of {} lines, and with one that "
        "walks pinned "
        "snapshots, both pausing {} between walks. A latency is the time between two readings of the clock, "
        "one after each "
        "call; {:.0f} ns of it is the reading itself. Percentiles are exact to 1.2 %.</p>\n"
        "<p>Writers that have to wait spin for some microseconds before they sleep; readers of a semaphore "
        "{} "
        "(<code>--readers</code>).</p>\n"
        "<p class=\"soft\">Everything measured is in <a href=\"result.json\">result.json</a>; the plots' "
        "data and scripts "
        "are in <a href=\"data/\">data/</a>.</p>\n",
        how.workers, how.repetitions, how.repetitions == 1 ? "" : "s", how.walk_chunk_lines,
        to_text(static_cast<double>(how.walk_pause_ns), unit::nanoseconds), data_.machine.clock_cost_ns,
        way_of(how.readers));
    out_ += "<dl class=\"facts\">\n";
    for (const std::string& design : how.designs) fact(escape_html(design), summary_of_design(design));
    out_ += "</dl>\n";
  }

  void machine() {
    const machine_facts& on = data_.machine;
    out_ += "<h2>Machine and build</h2>\n<dl class=\"facts\">\n";
    fact("CPU", fmt::format("{}{}, {} cores", on.cpu, on.is_virtual ? " (virtual machine)" : "", on.cores));
    fact("memory", to_text(static_cast<double>(on.memory_bytes), unit::bytes));
    fact("system", on.system + ", " + on.kernel);
    fact("load", fmt::format("{:.2f} before, {:.2f} after", on.load_before[0], on.load_after[0]));
    fact("compiler", on.compiler);
    fact("flags", on.flags);
    fact("assertions", on.has_assertions ? "on" : "off");
    fact("sanitizer", on.sanitizer);
    fact("RCU", fmt::format("liburcu {}, flavour {}", on.rcu_version, on.rcu_flavour));
    fact("clock", fmt::format("{:.1f} ns a reading", on.clock_cost_ns));
    out_ += "</dl>\n";
  }

  const result& data_;
  const plot_set& plots_;
  std::string out_;
};

}  // namespace

std::string to_html(const campaign_result& from, const plot_set& plots) { return page{from, plots}.write(); }

}  // namespace rcuvm::report
