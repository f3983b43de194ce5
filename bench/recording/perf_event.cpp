// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/perf_event.hpp"

#include <limits>
#include <optional>

namespace rcuvm::recording::perf {
namespace {

using proc_maps::cursor;
using parsed = std::expected<event, garble>;

std::unexpected<garble> fail_at(const cursor& where, std::string_view reason) noexcept {
  return std::unexpected{garble{.column = where.column(), .reason = reason, .detail = {}}};
}

/// "0x1f", or "0" as printf's %#x writes a zero.
std::optional<std::uint64_t> take_prefixed_hex(cursor& from) noexcept {
  cursor ahead = from;
  if (ahead.take("0x")) {
    const auto value = ahead.take_hex();
    if (value) from = ahead;
    return value;
  }
  if (!from.take('0')) return std::nullopt;
  return 0;
}

struct task_number {
  std::int32_t pid;
  std::int32_t tid;
};
std::optional<task_number> take_task(cursor& from, char separator) noexcept {
  cursor ahead = from;
  const auto pid = ahead.take_decimal<std::int32_t>();
  if (!pid || !ahead.take(separator)) return std::nullopt;
  const auto tid = ahead.take_decimal<std::int32_t>();
  if (!tid) return std::nullopt;
  from = ahead;
  return task_number{*pid, *tid};
}

parsed parse_enter(cursor at) noexcept {
  call_enter made;
  const auto name = at.take_until(':');
  if (!name || name->empty()) return fail_at(at, "no name of the call");
  made.name = *name;
  at.skip_spaces();
  while (!at.is_at_end()) {
    const auto key = at.take_until(':');
    if (!key || key->empty() || !at.take(' ')) return fail_at(at, "no 'name: ' of an argument");
    const auto value = take_prefixed_hex(at);
    if (!value) return fail_at(at, "no hexadecimal value of an argument");
    if (!made.given.add({*key, *value})) return fail_at(at, "more than six arguments");
    if (!at.is_at_end() && !at.take(", ")) return fail_at(at, "no ', ' after an argument");
  }
  return made;
}

parsed parse_exit(cursor at) noexcept {
  const auto name = at.take_until(':');
  if (!name || name->empty() || !at.take(' ')) return fail_at(at, "no name of the call");
  const auto returned = take_prefixed_hex(at);
  if (!returned || !at.is_at_end()) return fail_at(at, "no hexadecimal return value");
  return call_exit{.name = *name, .returned = *returned};
}

parsed parse_fault(cursor at, bool by_kernel) noexcept {
  if (!at.take(": address=0x")) return fail_at(at, "no address= of the fault");
  const auto address = at.take_hex();
  if (!address || !at.take(" ip=")) return fail_at(at, "no address and ip= of the fault");
  // The ip is a symbol in the kernel; nothing here needs it.
  const std::string_view rest = at.rest();
  constexpr std::string_view marker = " error_code=0x";
  const std::size_t marked = rest.rfind(marker);
  if (marked == std::string_view::npos) return fail_at(at, "no error_code= of the fault");
  cursor code{rest.substr(marked + marker.size())};
  const auto value = code.take_hex();
  if (!value || !code.is_at_end()) return fail_at(at, "no hexadecimal error_code of the fault");
  return page_fault{.at = *address, .error_code = *value, .by_kernel = by_kernel};
}

parsed parse_new_task(cursor at) noexcept {
  if (!at.take(": pid=")) return fail_at(at, "no pid= of the new task");
  const auto tid = at.take_decimal<std::int32_t>();
  if (!tid || *tid <= 0) return fail_at(at, "no number of the new task");
  // Its comm may hold anything, the marker too: the last one counts.
  const std::string_view rest = at.rest();
  constexpr std::string_view marker = " clone_flags=";
  const std::size_t marked = rest.rfind(marker);
  if (marked == std::string_view::npos) return fail_at(at, "no clone_flags= of the new task");
  cursor flags{rest.substr(marked + marker.size())};
  const bool is_prefixed = flags.take("0x");
  const auto value = flags.take_hex();
  if (!value || (!flags.is_at_end() && !flags.take(' '))) {
    return fail_at(
        at, is_prefixed ? "clone_flags=0x without digits" : "no hexadecimal clone_flags of the new task");
  }
  return new_task{.tid = *tid, .flags = *value};
}

/// "rwxp"; perf writes the same letters as /proc/PID/maps.
std::optional<proc_maps::permissions> take_permissions(cursor& from) noexcept {
  using proc_maps::permission;
  if (from.rest().size() < 4) return std::nullopt;
  const std::string_view letters = from.rest().substr(0, 4);
  proc_maps::permissions found;
  constexpr std::string_view set = "rwxs";
  constexpr std::string_view unset = "---p";
  for (std::size_t at = 0; at < set.size(); ++at) {
    if (letters[at] == set[at]) {
      found = found.with(static_cast<permission>(1u << at));
    } else if (letters[at] != unset[at]) {
      return std::nullopt;
    }
  }
  if (!from.take(letters)) return std::nullopt;
  return found;
}

/// "MAJOR:MINOR INODE GENERATION]: "
bool take_file(cursor& at, mapping& made) noexcept {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  const auto major = at.take_hex();
  if (!major || *major > most || !at.take(':')) return false;
  const auto minor = at.take_hex();
  if (!minor || *minor > most || !at.take(' ')) return false;
  const auto inode = at.take_decimal();
  if (!inode || !at.take(' ')) return false;
  const auto generation = at.take_decimal();
  if (!generation || !at.take("]: ")) return false;
  made.device_major = static_cast<std::uint32_t>(*major);
  made.device_minor = static_cast<std::uint32_t>(*minor);
  made.inode = *inode;
  made.generation = *generation;
  return true;
}

parsed parse_mapping(cursor at) noexcept {
  mapping made;
  const auto task = take_task(at, '/');
  if (!task || !at.take(": [")) return fail_at(at, "MMAP2: no PID/TID");
  made.pid = task->pid;
  made.tid = task->tid;
  const auto start = take_prefixed_hex(at);
  if (!start || !at.take('(')) return fail_at(at, "MMAP2: no start");
  const auto length = take_prefixed_hex(at);
  if (!length || !at.take(") @ ")) return fail_at(at, "MMAP2: no length");
  const std::uint64_t whole_pages = page_ceil(*length);
  if (whole_pages == 0 || !is_page_aligned(*start) || *start + whole_pages < *start) {
    return fail_at(at, "MMAP2: no range of whole pages");
  }
  made.where = {*start, *start + whole_pages};
  const auto offset = take_prefixed_hex(at);
  if (!offset || !at.take(' ')) return fail_at(at, "MMAP2: no offset");
  made.offset = *offset;
  if (!take_file(at, made)) return fail_at(at, "MMAP2: no device, inode and generation");
  const auto allowed = take_permissions(at);
  if (!allowed || !at.take(' ')) return fail_at(at, "MMAP2: no permissions (rwxp)");
  made.allowed = *allowed;
  made.name = at.rest();
  if (made.name.empty()) return fail_at(at, "MMAP2: no name");
  return made;
}

parsed parse_naming(cursor at) noexcept {
  naming made;
  made.is_exec = at.take(" exec");
  if (!at.take(": ")) return fail_at(at, "COMM: no name");
  const std::string_view rest = at.rest();
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return fail_at(at, "COMM: no PID/TID");
  cursor numbers{rest.substr(colon + 1)};
  const auto task = take_task(numbers, '/');
  if (!task || !numbers.is_at_end()) return fail_at(at, "COMM: no PID/TID");
  made.name = rest.substr(0, colon);
  made.pid = task->pid;
  made.tid = task->tid;
  return made;
}

/// "(PID:TID):(PID:TID)"
std::optional<fork_record> take_pair(cursor& at) noexcept {
  if (!at.take('(')) return std::nullopt;
  const auto child = take_task(at, ':');
  if (!child || !at.take("):(")) return std::nullopt;
  const auto parent = take_task(at, ':');
  if (!parent || !at.take(')') || !at.is_at_end()) return std::nullopt;
  return fork_record{
      .pid = child->pid, .tid = child->tid, .parent_pid = parent->pid, .parent_tid = parent->tid};
}

/// Records without an event of their own, and tracepoints of other groups: only the name matters.
parsed parse_other(std::string_view text) noexcept {
  cursor whole{text};
  if (whole.take("PERF_RECORD_LOST lost ")) {
    const auto count = whole.take_decimal();
    if (!count) return fail_at(whole, "LOST: no count");
    return lost_record{.count = *count};
  }
  const std::size_t end = text.find_first_of(" (");
  std::string_view name = text.substr(0, end);
  if (name.ends_with(':')) name.remove_suffix(1);
  if (!name.starts_with("PERF_RECORD_") && name.find(':') == std::string_view::npos) {
    return fail_at(whole, "neither GROUP:EVENT: nor PERF_RECORD_NAME");
  }
  return other_event{.name = name};
}

}  // namespace

parsed parse_event(std::string_view text) noexcept {
  cursor at{text};
  if (at.take("exceptions:page_fault_user")) return parse_fault(at, false);
  if (at.take("exceptions:page_fault_kernel")) return parse_fault(at, true);
  if (at.take("syscalls:sys_enter_")) return parse_enter(at);
  if (at.take("syscalls:sys_exit_")) return parse_exit(at);
  if (at.take("PERF_RECORD_MMAP2 ")) return parse_mapping(at);
  if (at.take("PERF_RECORD_COMM")) return parse_naming(at);
  if (at.take("task:task_newtask")) return parse_new_task(at);
  if (at.take("PERF_RECORD_FORK")) {
    const auto pair = take_pair(at);
    if (!pair) return fail_at(at, "FORK: no (PID:TID):(PID:TID)");
    return *pair;
  }
  if (at.take("PERF_RECORD_EXIT")) {
    const auto pair = take_pair(at);
    if (!pair) return fail_at(at, "EXIT: no (PID:TID):(PID:TID)");
    return exit_record{.pid = pair->pid, .tid = pair->tid};
  }
  return parse_other(text);
}

}  // namespace rcuvm::recording::perf
