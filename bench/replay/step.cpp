// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/step.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <span>
#include <utility>
#include <variant>

#include "proc_maps/entry.hpp"

namespace rcuvm::replay {

namespace {

using recording::call;
using recording::no_id;

// No program has memory there; two brk calls of one space meet on it, so that they keep their order.
constexpr range break_token{0xffff'8000'0000'0000, 0xffff'8000'0000'0001};

constexpr std::uint64_t user_space_end = std::uint64_t{1} << 47;
constexpr std::uint64_t huge_page_size = std::uint64_t{2} << 20;

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

std::uint64_t pages_of(std::uint64_t length) {
  return length > user_space_end ? user_space_end : page_ceil(length);
}

range pages_from(address start, std::uint64_t length) {
  return {page_floor(start), page_floor(start) + pages_of(length)};
}

std::uint32_t protection_of(proc_maps::permissions allowed) {
  using proc_maps::permission;
  return (allowed.has(permission::read) ? std::uint32_t{PROT_READ} : 0U) |
         (allowed.has(permission::write) ? std::uint32_t{PROT_WRITE} : 0U) |
         (allowed.has(permission::execute) ? std::uint32_t{PROT_EXEC} : 0U);
}

std::uint32_t exec_flags(const recording::notice& seen) {
  std::uint32_t made = MAP_FIXED;
  if (seen.kind != recording::backing::file) made |= MAP_ANONYMOUS;
  if (seen.kind == recording::backing::stack) made |= MAP_GROWSDOWN;
  return made | (seen.allowed.has(proc_maps::permission::shared) ? std::uint32_t{MAP_SHARED}
                                                                 : std::uint32_t{MAP_PRIVATE});
}

/// Turns events into steps, one after the other, keeping what later events need to know of earlier ones.
class resolver {
 public:
  explicit resolver(const recording::trace& from) : trace_{from} {
    made_.trace = &from;
    made_.steps.reserve(from.events.size());
    made_.mmap_base.assign(from.spaces.size(), 0);
    segments_.resize(from.spaces.size());
    shared_.resize(from.spaces.size());
    find_first_breaks();
  }

  script run() {
    for (event_ = 0; event_ < trace_.events.size(); ++event_) {
      std::visit([this](const auto& what) { add(what); }, trace_.events[event_].what);
    }
    return std::move(made_);
  }

 private:
  // The break when a program starts is not in the recording; its first brk(0) tells it. When the program forks
  // before it asks, the child's first answer is the same number.
  void find_first_breaks() {
    made_.first_break.assign(trace_.spaces.size(), 0);
    for (const recording::event& one : trace_.events) {
      const auto* brk = std::get_if<recording::brk_call>(&one.what);
      if (brk == nullptr || brk->how.has_failed()) continue;
      address& first = made_.first_break[one.space];
      if (first == 0) first = brk->how.returned;
    }
    for (std::size_t child = trace_.spaces.size(); child-- > 0;) {
      const recording::space_id parent = trace_.spaces[child].parent;
      if (parent == no_id || parent >= trace_.spaces.size()) continue;
      if (made_.first_break[parent] == 0) made_.first_break[parent] = made_.first_break[child];
    }
    now_break_ = made_.first_break;
  }

  step& push(verb what, range where = {}) {
    const recording::event& from = trace_.events[event_];
    step& one = made_.steps.emplace_back();
    one.what = what;
    one.space = from.space;
    one.task = from.task;
    one.where = where;
    one.event = event_;
    return one;
  }

  void skip(std::string why) { ++made_.skipped[std::move(why)]; }

  // False when the call is to be left out: the program died inside it, or the kernel refused it for a reason
  // that lies outside of an address space (a bad descriptor, a limit, a missing right).
  bool is_replayable(const char* name, const call& how) {
    if (!how.has_returned) {
      skip(std::string{name} + " that never returned");
      return false;
    }
    switch (how.error_number()) {
      case 0:
      case EINVAL:
      case ENOMEM:
      case EEXIST:
      case EFAULT: return true;
      default: skip(std::string{name} + " refused for a reason outside the model"); return false;
    }
  }

  void expect(step& one, const call& how) {
    one.expected_error = static_cast<std::int16_t>(how.error_number());
  }

  /// What a range was given up by munmap, or taken by another mapping, is not shared any more.
  void forget_shared(range gone) {
    auto& known = shared_[trace_.events[event_].space];
    for (auto at = known.lower_bound(gone.start); at != known.end() && at->first < gone.end;)
      at = known.erase(at);
  }

  std::uint32_t push_map(const map_detail& one) {
    made_.maps.push_back(one);
    return static_cast<std::uint32_t>(made_.maps.size() - 1);
  }

  void add(const recording::fault& one) {
    if (one.at >= user_space_end) {
      skip("fault on a kernel address");
      return;
    }
    step& made = push(verb::fault, {one.at, one.at + 1});
    made.access = one.kind;
    made.is_raced = one.races_a_call || one.during_exec;
    ++made_.faults;
  }

  void add(const recording::mmap_call& one) {
    if (!is_replayable("mmap", one.how)) return;
    const int failure = one.how.error_number();
    if (failure == ENOMEM && one.length < user_space_end) {
      skip("mmap refused for a reason outside the model");
      return;
    }
    if (failure == EINVAL && (one.flags & MAP_TYPE) == 0) {
      skip("mmap neither shared nor private");
      return;
    }
    if (failure == 0 && one.file == no_id && (one.flags & MAP_ANONYMOUS) == 0) {
      skip("(replayed as anonymous) mmap of a file without a name");
    }
    const std::uint64_t length =
        (one.flags & MAP_HUGETLB) != 0 ? round_up(one.length, huge_page_size) : one.length;
    const std::uint32_t detail = push_map({.hint = one.hint,
                                           .length = length,
                                           .protection = one.protection,
                                           .flags = one.flags,
                                           .file = one.file,
                                           .offset = one.offset,
                                           .placed = failure == 0 ? one.how.returned : 0});
    const address at = failure == 0 ? one.how.returned : one.hint;
    step& made = push(verb::map, pages_from(at, length));
    made.detail = detail;
    expect(made, one.how);
    if (failure != 0) return;
    forget_shared(made.where);
    if ((one.flags & MAP_TYPE) != MAP_PRIVATE) shared_[made.space][at] = made_.maps[detail];
  }

  void add(const recording::munmap_call& one) {
    if (!is_replayable("munmap", one.how)) return;
    step& made = push(verb::unmap, {one.start, one.start + one.length});
    expect(made, one.how);
    forget_shared(made.where);
  }

  void add(const recording::mprotect_call& one) {
    if (!is_replayable("mprotect", one.how)) return;
    step& made = push(verb::protect, {one.start, one.start + one.length});
    made.number = one.protection;
    expect(made, one.how);
  }

  void add(const recording::mremap_call& one) {
    if (!is_replayable("mremap", one.how)) return;
    made_.remaps.push_back({.old_address = one.old_address,
                            .old_length = one.old_length,
                            .new_length = one.new_length,
                            .flags = one.flags,
                            .new_address = one.new_address,
                            .placed = one.how.has_failed() ? 0 : one.how.returned});
    step& made = push(verb::remap, pages_from(one.old_address, one.old_length));
    made.detail = static_cast<std::uint32_t>(made_.remaps.size() - 1);
    expect(made, one.how);
    auto& known = shared_[made.space];
    if (auto found = known.find(one.old_address); !one.how.has_failed() && found != known.end()) {
      const map_detail moved = found->second;
      if (one.old_length != 0) known.erase(found);
      known[one.how.returned] = moved;
    }
  }

  void add(const recording::brk_call& one) {
    if (one.how.has_failed()) {
      skip("brk that never returned");
      return;
    }
    // A wish that the kernel refused (it answers with the old break) is replayed as the question brk(0).
    address& now = now_break_[trace_.events[event_].space];
    const address before = now;
    now = one.how.returned;
    push(verb::brk, {now == before ? 0 : now, before});
  }

  void add(const recording::madvise_call& one) {
    if (!is_replayable("madvise", one.how)) return;
    step& made = push(verb::advise, {one.start, one.start + one.length});
    made.number = static_cast<std::uint32_t>(one.advice);
    expect(made, one.how);
  }

  void add(const recording::range_call& one) {
    using kind = recording::range_call::verb;
    if (one.what == kind::msync || one.what == kind::mincore) {
      skip("msync and mincore (change nothing)");
      return;
    }
    if (!is_replayable("mlock", one.how)) return;
    if (one.what == kind::mlock2 && (one.flags & ~std::uint32_t{MLOCK_ONFAULT}) != 0) {
      skip("mlock2 with flags that nobody knows");
      return;
    }
    step& made =
        push(one.what == kind::munlock ? verb::unlock : verb::lock, {one.start, one.start + one.length});
    made.number = one.what == kind::mlock2 ? one.flags : 0;
    expect(made, one.how);
  }

  void add(const recording::mlockall_call& one) {
    if (!is_replayable("mlockall", one.how)) return;
    made_.tells_of_lock_all = true;
    step& made = push(verb::lock_all, whole_space);
    made.number = one.unlocks ? 0 : static_cast<std::uint32_t>(one.flags);
    expect(made, one.how);
  }
  void add(const recording::process_madvise_call&) {
    skip("process_madvise (its ranges are not in the recording)");
  }

  void add(const recording::shmat_call& one) {
    if (!is_replayable("shmat", one.how)) return;
    if (one.how.has_failed() || one.how.notices.count == 0) {
      skip("shmat that failed or was not announced");
      return;
    }
    const recording::notice& seen = trace_.notices[one.how.notices.first];
    segments_[trace_.events[event_].space][seen.where.start] = seen.where.size();
    const std::uint32_t detail = push_map({.hint = seen.where.start,
                                           .length = seen.where.size(),
                                           .protection = protection_of(seen.allowed),
                                           .flags = MAP_SHARED,
                                           .file = one.file,
                                           .offset = 0,
                                           .placed = seen.where.start});
    push(verb::map, seen.where).detail = detail;
  }

  void add(const recording::shmdt_call& one) {
    auto& known = segments_[trace_.events[event_].space];
    const auto found = known.find(one.start);
    if (one.how.has_failed() || found == known.end()) {
      skip("shmdt that failed or of an unknown segment");
      return;
    }
    push(verb::unmap, {one.start, one.start + found->second});
    known.erase(found);
  }

  void add(const recording::remap_file_pages_call& one) {
    if (!is_replayable("remap_file_pages", one.how)) return;
    const auto& known = shared_[trace_.events[event_].space];
    auto found = known.upper_bound(one.start);
    if (one.how.has_failed() || found == known.begin()) {
      skip("remap_file_pages that failed or of an unknown mapping");
      return;
    }
    map_detail detail = std::prev(found)->second;
    detail.hint = detail.placed = one.start;
    detail.length = one.length;
    detail.flags |= MAP_FIXED | MAP_POPULATE;
    detail.offset = one.page_offset << page_shift;
    push(verb::refile, pages_from(one.start, one.length)).detail = push_map(detail);
  }

  void add(const recording::stack_growth& one) { push(verb::grow_stack, one.where); }

  void add(const recording::space_begin& one) {
    const std::size_t first = made_.maps.size();
    for (const recording::notice& seen : std::span{trace_.notices}.subspan(one.maps.first, one.maps.count)) {
      const bool is_file = seen.kind == recording::backing::file;
      push_map({.hint = seen.where.start,
                .length = seen.where.size(),
                .protection = protection_of(seen.allowed),
                .flags = exec_flags(seen),
                .file = is_file ? seen.file : no_id,
                .offset = is_file ? seen.offset : 0,
                .placed = seen.where.start,
                .special = seen.kind});
    }
    made_.mmap_base[trace_.events[event_].space] = highest_file_end(first);
    step& made = push(verb::begin, whole_space);
    made.detail = static_cast<std::uint32_t>(first);
    made.number = static_cast<std::uint32_t>(made_.maps.size() - first);
  }

  // The first thing that the kernel places below mmap_base is the program interpreter.
  address highest_file_end(std::size_t first_map) const {
    address highest = 0;
    for (const map_detail& one : std::span{made_.maps}.subspan(first_map)) {
      if (one.file != no_id) highest = std::max(highest, page_ceil(one.placed + one.length));
    }
    return highest;
  }

  void add(const recording::space_fork& one) {
    const recording::space_id parent = trace_.events[event_].space;
    made_.mmap_base[one.child] = made_.mmap_base[parent];
    shared_[one.child] = shared_[parent];
    segments_[one.child] = segments_[parent];
    now_break_[one.child] = now_break_[parent];
    push(verb::fork, whole_space).detail = one.child;
  }

  void add(const recording::space_end&) { push(verb::end, whole_space); }
  void add(const recording::task_begin&) {}
  void add(const recording::task_end&) {}

  const recording::trace& trace_;
  script made_;
  std::size_t event_ = 0;
  std::vector<address> now_break_;                          // per space
  std::vector<std::map<address, std::uint64_t>> segments_;  // per space: attached segments, by start
  std::vector<std::map<address, map_detail>> shared_;       // per space: shared mappings, by start
};

}  // namespace

std::string_view name_of(verb what) noexcept {
  static constexpr std::array<std::string_view, verb_count> names{
      "fault",   "mmap",     "munmap",           "mprotect",     "mremap", "brk",  "madvise", "mlock",
      "munlock", "mlockall", "remap_file_pages", "stack growth", "exec",   "fork", "exit"};
  return names[static_cast<std::size_t>(what)];
}

script resolve(const recording::trace& from) { return resolver{from}.run(); }

touches touches_of(const script& whole, const step& one) {
  touches found;
  const auto add = [&](range where, touch::kind what) { found.push_back({one.space, where, what}); };
  const bool has_failed = one.expected_error != 0;
  switch (one.what) {
    case verb::fault: add(pages_from(one.where.start, 1), touch::kind::reads); break;
    case verb::map: add(one.where, has_failed ? touch::kind::reads : touch::kind::changes); break;
    case verb::unmap:
    case verb::protect:
    case verb::advise:
    case verb::lock:
    case verb::unlock:
    case verb::refile: add(pages_from(one.where.start, one.where.size()), touch::kind::changes); break;
    case verb::remap: {
      const remap_detail& how = whole.remaps[one.detail];
      add(one.where, touch::kind::changes);
      if (!has_failed) add(pages_from(how.placed, how.new_length), touch::kind::changes);
      break;
    }
    case verb::brk: {
      const auto [low, high] =
          std::minmax(one.where.start == 0 ? one.where.end : one.where.start, one.where.end);
      add({page_floor(low), page_ceil(high)}, touch::kind::changes);
      add(break_token, touch::kind::changes);
      break;
    }
    case verb::grow_stack: add(one.where, touch::kind::changes); break;
    case verb::lock_all:
    case verb::begin:
    case verb::end: add(whole_space, touch::kind::changes); break;
    case verb::fork:
      add(whole_space, touch::kind::changes);
      found.push_back({one.detail, whole_space, touch::kind::changes});
      break;
  }
  return found;
}

}  // namespace rcuvm::replay
