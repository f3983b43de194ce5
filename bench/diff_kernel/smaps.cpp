// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/smaps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "proc_maps/parse.hpp"

namespace rcuvm::diff_kernel {

namespace {

/// Kernel: show_smap_vma_flags.
constexpr std::pair<std::string_view, vm::vma_flag> names[] = {
    {"rd", vm::vma_flag::read},          {"wr", vm::vma_flag::write},
    {"ex", vm::vma_flag::exec},          {"sh", vm::vma_flag::shared},
    {"gd", vm::vma_flag::grows_down},    {"lo", vm::vma_flag::locked},
    {"lf", vm::vma_flag::lock_on_fault}, {"nr", vm::vma_flag::no_reserve},
    {"ac", vm::vma_flag::accounted},     {"dc", vm::vma_flag::dont_fork},
    {"dd", vm::vma_flag::dont_dump},     {"wf", vm::vma_flag::wipe_on_fork},
    {"hg", vm::vma_flag::huge_pages},    {"nh", vm::vma_flag::no_huge_pages},
    {"sr", vm::vma_flag::sequential},    {"rr", vm::vma_flag::random},
    {"mg", vm::vma_flag::mergeable},     {"gu", vm::vma_flag::maybe_guard}};

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// "Rss:           12 kB"
std::uint64_t kilobytes_of(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

vm::vma_flags flags_named(std::string_view list) {
  vm::vma_flags made;
  for (const auto& [name, flag] : names) {
    // Two letters and a space each: no name is a part of another one.
    if (list.find(fmt::format(" {} ", name)) != std::string_view::npos) made = made.with(flag);
  }
  return made;
}

}  // namespace

std::string smaps_line(range where, vm::vma_flags flags, const smaps_counts& has) {
  std::string line = fmt::format("{:08x}-{:08x}", where.start, where.end);
  for (const auto& [name, flag] : names) {
    if (flags.has(flag)) line += fmt::format(" {}", name);
  }
  return line +
         fmt::format(", {} anonymous, {} resident, {} kB locked\n", has.anonymous, has.resident, has.locked);
}

std::string lines_of_smaps(std::string_view smaps, range arena) {
  constexpr std::string_view flags_key = "VmFlags:";
  std::string text;
  range here;
  smaps_counts has;
  while (!smaps.empty()) {
    const std::string_view line = take_line(smaps);
    if (const auto begun = proc_maps::parse_line(line)) {
      here = begun->where;
    } else if (line.starts_with("Rss:")) {
      has.resident = kilobytes_of(line) * 1024 / page_size;
    } else if (line.starts_with("Anonymous:")) {
      has.anonymous = kilobytes_of(line) * 1024 / page_size;
    } else if (line.starts_with("Locked:")) {
      has.locked = kilobytes_of(line);
    } else if (line.starts_with(flags_key) && arena.contains(here.start)) {
      text += smaps_line(here, flags_named(line.substr(flags_key.size())), has);
    }
  }
  return text;
}

}  // namespace rcuvm::diff_kernel
