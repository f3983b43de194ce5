// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/child_surroundings.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "bench/diff_kernel/child_system.hpp"
#include "bench/diff_kernel/descriptor.hpp"

namespace rcuvm::diff_kernel {

namespace {

/// What counts against a limit now, in bytes: a line of /proc/self/status.
std::uint64_t in_use(std::uint32_t resource) {
  const std::string_view key = resource == RLIMIT_AS     ? "\nVmSize:"
                               : resource == RLIMIT_DATA ? "\nVmData:"
                                                         : "\nVmLck:";
  std::array<char, page_size> text;
  const descriptor status{::open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
  const ssize_t got = ::read(status.get(), text.data(), text.size());
  const std::string_view all{text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  const std::size_t at = all.find(key);
  if (at == std::string_view::npos) leave(child_exit::no_status);
  std::uint64_t kilobytes = 0;
  for (const char each : all.substr(at + key.size())) {
    if (each == 'k') break;
    if (each >= '0' && each <= '9') kilobytes = kilobytes * 10 + static_cast<std::uint64_t>(each - '0');
  }
  return kilobytes * 1024;
}

/// Who may lock anything is not asked for RLIMIT_MEMLOCK.
void give_up_locking() {
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> own{};
  ::syscall(SYS_capget, &head, own.data());
  own[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &= ~CAP_TO_MASK(CAP_IPC_LOCK);
  ::syscall(SYS_capset, &head, own.data());
}

/// A range whose pages can be made mappings of their own; empty unless a call is about that.
range crowd_room;

/// Mappings of this process that count: [vsyscall] does not.
std::uint64_t count_mappings() {
  const descriptor maps{::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
  std::array<char, page_size> text;
  std::uint64_t lines = 0;
  bool has_gate = false;
  for (;;) {
    const ssize_t got = ::read(maps.get(), text.data(), text.size());
    if (got <= 0) return lines - (has_gate ? 1 : 0);
    const std::string_view part{text.data(), static_cast<std::size_t>(got)};
    lines += static_cast<std::uint64_t>(std::ranges::count(part, '\n'));
    has_gate |= part.find("[vsyscall]") != std::string_view::npos;
  }
}

}  // namespace

[[gnu::noinline]] void use_stack() {
  volatile char deep[16 * page_size];
  for (std::size_t at = 0; at < sizeof deep; at += page_size) deep[at] = 0;
}

void make_crowd_room(const child_work& work) {
  if (std::ranges::none_of(work.calls, [](const call& one) { return one.what == verb::crowd; })) return;
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  constexpr address above_the_arena = 0x6000'0000'0000;  // its lines need not be read each time
  const std::uint64_t length = work.stage.most_mappings * page_size;
  const answer made = ask(SYS_mmap, above_the_arena, length, PROT_NONE, flags, -1, 0);
  if (made.outcome != outcome::returned) leave(child_exit::no_crowd);
  crowd_room = {made.value, made.value + length};
  ask(SYS_madvise, made.value, length, MADV_SEQUENTIAL);  // so that it does not merge with what is around it
}

void fill_elsewhere(const child_work& work) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  constexpr address lowest = 0x10000;
  constexpr address end = 0x7fff'ffff'f000;
  const descriptor maps{::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
  const std::size_t length =
      read_mappings(maps.get(), work.workroom, [](std::span<const char>) { return false; });
  std::string_view text{work.workroom.data(), length};
  const range arena{work.stage.fence_below().start, work.stage.fence_above().end};
  address reached = lowest;
  const auto fill_until = [&](address until) {
    if (until <= reached) return;
    if (ask(SYS_mmap, reached, until - reached, PROT_NONE, flags, -1, 0) !=
        answer{outcome::returned, reached})
      leave(child_exit::no_fill);
  };
  while (!text.empty() && reached < end) {
    const std::size_t line = std::min(text.find('\n'), text.size() - 1);
    const address start = start_of_line(text);
    fill_until(std::min(start, end));
    // Between the fences nothing is mapped yet.
    reached = arena.contains(start) ? arena.end : start_of_line(text.substr(text.find('-') + 1));
    text.remove_prefix(line + 1);
  }
  fill_until(end);
}

answer limit(const call& one) {
  const auto wanted = static_cast<std::int64_t>(in_use(one.flags) + one.length);
  return limit_to(one.flags, static_cast<std::uint64_t>(std::max<std::int64_t>(wanted, 0)));
}

answer limit_to(std::uint32_t resource, std::uint64_t bytes) {
  if (resource == RLIMIT_MEMLOCK) give_up_locking();
  rlimit to{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &to);
  to.rlim_cur = std::min(static_cast<rlim_t>(bytes), to.rlim_max);
  return ask(SYS_setrlimit, resource, &to);
}

/// Pages that are to be dumped and others that are not alternate, until there may be so many mappings more.
answer crowd(const child_work& work, std::uint64_t left) {
  ask(SYS_madvise, crowd_room.start, crowd_room.size(), MADV_DODUMP);
  std::uint64_t to_make = work.stage.most_mappings - count_mappings() - left;
  address at = crowd_room.start;
  if (to_make % 2 != 0) ask(SYS_madvise, at, page_size, MADV_DONTDUMP);
  for (at += 2 * page_size; to_make >= 2; to_make -= 2, at += 2 * page_size) {
    if (ask(SYS_madvise, at, page_size, MADV_DONTDUMP) != answer{}) leave(child_exit::no_crowd);
  }
  return {};
}

}  // namespace rcuvm::diff_kernel
