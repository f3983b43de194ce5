// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "bench/recording/line_reader.hpp"
#include "bench/recording/perf_line.hpp"
#include "bench/recording/recording.hpp"
#include "bench/recording/sample_reader.hpp"
#include "bench/recording/segments.hpp"
#include "bench/recording/translator.hpp"

namespace rcuvm::recording {
namespace {

std::string describe(const garble& what) {
  std::string text = "column " + std::to_string(what.column) + ": " + std::string{what.reason};
  if (!what.detail.empty()) text += " '" + std::string{what.detail} + "'";
  return text;
}

/// "syscalls:sys_enter_mmap: ..." is of class sys_enter_mmap, "PERF_RECORD_FORK(1:1):(2:2)" of PERF_RECORD_FORK.
std::string_view class_of(std::string_view event) noexcept {
  if (event.starts_with("PERF_RECORD_")) return event.substr(0, event.find_first_of(" (:"));
  const std::size_t colon = event.find(':');
  if (colon == std::string_view::npos) return event;
  event.remove_prefix(colon + 1);
  return event.substr(0, event.find(':'));
}

reading_report::line_class& class_for(reading_report& report, std::string_view name) {
  const auto known = report.classes.find(name);
  return known != report.classes.end() ? known->second : report.classes[std::string{name}];
}

/// Key: value, line by line.
std::expected<meta, read_error> read_meta(const std::filesystem::path& path) {
  auto reader = line_reader::open(path);
  if (!reader) return std::unexpected{reader.error()};
  meta made;
  while (true) {
    const auto next = reader->next();
    if (!next) return std::unexpected{next.error()};
    if (!*next) return made;
    const std::string_view line = **next;
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return reader->error_here("no 'key: value'");
    made.values.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
}

/// One line through all steps, and into its class of the report.
std::expected<void, garble> take_line(translator& translate, std::string_view text, reading_report& report) {
  const auto line = parse_perf_line(text);
  if (!line) return std::unexpected{line.error()};
  const auto use = translate.take(*line);
  if (!use) {
    garble wrong = use.error();
    wrong.column += static_cast<std::size_t>(line->event.data() - text.data());
    return std::unexpected{wrong};
  }
  reading_report::line_class& of_class = class_for(report, class_of(line->event));
  ++of_class.lines;
  if (*use == line_use::nothing) ++of_class.without_event;
  return {};
}

std::expected<void, read_error> read_events(const location& where, garbled_lines garbled,
                                            const first_segments& segments, trace& into) {
  auto reader = line_reader::open(where.events);
  if (!reader) return std::unexpected{reader.error()};
  translator translate{into, segments};
  reading_report& report = into.report;
  while (true) {
    const auto next = reader->next();
    if (!next) return std::unexpected{next.error()};
    if (!*next) break;
    ++report.lines;
    const auto taken = take_line(translate, **next, report);
    if (taken) continue;
    if (garbled == garbled_lines::are_an_error) return reader->error_here(describe(taken.error()));
    ++class_for(report, "garbled").lines;
    ++class_for(report, "garbled").without_event;
  }
  translate.finish();
  return {};
}

}  // namespace

std::string_view meta::get(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() ? std::string_view{} : std::string_view{found->second};
}

std::expected<trace, read_error> read(const location& where, garbled_lines garbled) {
  trace made;
  made.name = where.name;
  const auto warn_of_missing = [&](std::string_view suffix, std::string_view effect) {
    made.report.warnings.push_back(where.name + std::string{suffix} + " is missing: " + std::string{effect});
  };

  if (where.about.empty()) {
    warn_of_missing(".meta", "what was recorded, and where, is not known");
  } else {
    auto about = read_meta(where.about);
    if (!about) return std::unexpected{about.error()};
    made.about = std::move(*about);
  }

  first_segments segments;
  if (where.segments.empty()) {
    warn_of_missing(".elf", "programs with holes between their segments get no holes");
  } else {
    auto sizes = read_first_segments(where.segments);
    if (!sizes) return std::unexpected{sizes.error()};
    segments = std::move(*sizes);
  }

  if (where.maps.empty()) {
    warn_of_missing(".maps", "there is nothing to compare a replay with");
  } else {
    auto samples = read_samples(where.maps);
    if (!samples) return std::unexpected{samples.error()};
    made.samples = std::move(*samples);
  }

  if (auto done = read_events(where, garbled, segments, made); !done) return std::unexpected{done.error()};
  return made;
}

}  // namespace rcuvm::recording
