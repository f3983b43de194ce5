// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/perf_line.hpp"

#include <algorithm>

namespace rcuvm::recording {
namespace {

constexpr bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }

/// "PID/TID" at the end of `front`; what is before it, without spaces, is the comm.
bool take_task(std::string_view front, perf_line& into) noexcept {
  const std::size_t last = front.find_last_not_of(' ');
  if (last == std::string_view::npos || last + 1 == front.size()) return false;
  front = front.substr(0, last + 1);
  const std::size_t slash = front.rfind('/');
  if (slash == std::string_view::npos) return false;
  std::size_t begin = slash;
  while (begin > 0 && is_digit(front[begin - 1])) --begin;
  if (begin > 0 && front[begin - 1] == '-') --begin;

  proc_maps::cursor numbers{front.substr(begin)};
  const auto pid = numbers.take_decimal<std::int32_t>();
  if (!pid || !numbers.take('/')) return false;
  const auto tid = numbers.take_decimal<std::int32_t>();
  if (!tid || !numbers.is_at_end()) return false;

  std::string_view comm = front.substr(0, begin);
  if (!comm.empty() && comm.back() != ' ') return false;
  comm.remove_prefix(std::min(comm.find_first_not_of(' '), comm.size()));
  comm = comm.substr(0, comm.find_last_not_of(' ') + 1);
  into.comm = comm;
  into.pid = *pid;
  into.tid = *tid;
  return true;
}

/// The line, if the '[' at `bracket` begins its CPU column.
std::expected<perf_line, garble> parse_around(std::string_view line, std::size_t bracket) noexcept {
  perf_line made;
  proc_maps::cursor at{line.substr(bracket + 1)};
  const auto fail = [&](std::size_t column, std::string_view reason) {
    return std::unexpected{garble{.column = column, .reason = reason, .detail = {}}};
  };
  const auto fail_here = [&](std::string_view reason) { return fail(bracket + 1 + at.column(), reason); };
  if (!take_task(line.substr(0, bracket), made)) return fail(bracket + 1, "no PID/TID before [CPU]");
  const auto cpu = at.take_decimal<std::uint32_t>();
  if (!cpu || !at.take(']') || !at.take(' ')) return fail_here("no CPU number in [ ]");
  at.skip_spaces();
  const auto time = take_time_ns(at);
  if (!time) return fail_here("no time as SECONDS.NANOSECONDS");
  if (!at.take(':') || !at.take(' ')) return fail_here("no ': ' after the time");
  at.skip_spaces();
  if (at.is_at_end()) return fail_here("no event after the time");
  made.cpu = *cpu;
  made.time_ns = *time;
  made.event = at.rest();
  return made;
}

}  // namespace

std::optional<std::uint64_t> take_time_ns(proc_maps::cursor& from) noexcept {
  constexpr std::uint64_t second = 1'000'000'000;
  constexpr std::uint64_t most_seconds = ~std::uint64_t{0} / second - 1;
  proc_maps::cursor ahead = from;
  const auto seconds = ahead.take_decimal();
  if (!seconds || *seconds > most_seconds || !ahead.take('.')) return std::nullopt;
  const std::size_t begin = ahead.column();
  const auto fraction = ahead.take_decimal();
  const std::size_t digits = ahead.column() - begin;
  if (!fraction || digits > 9) return std::nullopt;
  std::uint64_t nanoseconds = *fraction;
  for (std::size_t digit = digits; digit < 9; ++digit) nanoseconds *= 10;
  from = ahead;
  return *seconds * second + nanoseconds;
}

std::expected<perf_line, garble> parse_perf_line(std::string_view line) noexcept {
  // The comm may hold anything, "1/2 [0] 3.4: " too; so each '[' is tried, and the first that fits is the CPU's.
  garble first{.column = 1, .reason = "no [CPU]", .detail = {}};
  for (std::size_t bracket = line.find('['); bracket != std::string_view::npos;
       bracket = line.find('[', bracket + 1)) {
    const auto made = parse_around(line, bracket);
    if (made) return made;
    if (first.column == 1) first = made.error();
  }
  return std::unexpected{first};
}

}  // namespace rcuvm::recording
