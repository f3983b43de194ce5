// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/child.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mman.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "bench/diff_kernel/descriptor.hpp"

namespace rcuvm::diff_kernel {

namespace {

[[noreturn]] void leave(child_exit how) noexcept { ::_exit(static_cast<int>(how)); }

// --- loads and stores that may be refused -----------------------------------------------------------------

sigjmp_buf way_out;
volatile outcome refusal;

/// Unblocks what is blocked while it runs, so that loads and stores need not save a mask by a call of the kernel each.
void on_signal(int number, siginfo_t* told, void*) {
  refusal = number == SIGBUS               ? outcome::beyond_file
            : told->si_code == SEGV_MAPERR ? outcome::not_mapped
                                           : outcome::not_allowed;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::siglongjmp(way_out, 1);
}

void catch_signals() {
  struct sigaction how{};
  how.sa_sigaction = on_signal;
  how.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &how, nullptr);
  ::sigaction(SIGBUS, &how, nullptr);
}

// No sanitizer has a shadow of the arena.
#define RCUVM_UNSANITIZED __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

RCUVM_UNSANITIZED answer load(address at) {
  if (::sigsetjmp(way_out, 0) != 0) return {refusal, 0};
  return {outcome::returned, *reinterpret_cast<const volatile unsigned char*>(at)};
}

RCUVM_UNSANITIZED answer store(address at, char value) {
  if (::sigsetjmp(way_out, 0) != 0) return {refusal, 0};
  *reinterpret_cast<volatile char*>(at) = value;
  return {};
}

#undef RCUVM_UNSANITIZED

// --- calls ------------------------------------------------------------------------------------------------

/// The system call itself: the C library checks arguments, too.
template <class... Argument>
answer ask(long number, Argument... arguments) {
  const long got = ::syscall(number, arguments...);
  if (got == -1) return {outcome::failed, static_cast<std::uint64_t>(errno)};
  return {outcome::returned, static_cast<std::uint64_t>(got)};
}

/// Ends with the child, in the same way.
[[noreturn]] void follow(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) ::kill(::getpid(), WTERMSIG(status));
  ::_exit(WEXITSTATUS(status));
}

/// _Fork runs no handlers: those of the parent's libraries may take locks.
answer descend() {
  const pid_t child = ::_Fork();
  if (child < 0) return {outcome::failed, static_cast<std::uint64_t>(errno)};
  if (child > 0) follow(child);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return {};
}

answer spawn(range arena, char value) {
  const pid_t child = ::_Fork();
  if (child < 0) return {outcome::failed, static_cast<std::uint64_t>(errno)};
  if (child == 0) {
    for (address at = arena.start; at < arena.end; at += page_size) static_cast<void>(store(at, value));
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  return {};
}

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

void make_crowd_room(const child_work& work) {
  if (std::ranges::none_of(work.calls, [](const call& one) { return one.what == verb::crowd; })) return;
  const std::uint64_t length = work.stage.most_mappings * page_size;
  const answer made = ask(SYS_mmap, 0, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made.outcome != outcome::returned) leave(child_exit::no_crowd);
  crowd_room = {made.value, made.value + length};
}

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

answer limit(const call& one) {
  if (one.flags == RLIMIT_MEMLOCK) give_up_locking();
  rlimit to{};
  ::getrlimit(static_cast<__rlimit_resource>(one.flags), &to);
  const auto wanted = static_cast<std::int64_t>(in_use(one.flags) + one.length);
  to.rlim_cur = std::min(static_cast<rlim_t>(std::max<std::int64_t>(wanted, 0)), to.rlim_max);
  return ask(SYS_setrlimit, one.flags, &to);
}

/// Of a call that returns where it has put something of that length.
answer placed(const child_work& work, answer at, std::uint64_t length) {
  if (at.outcome != outcome::returned) return at;
  const range arena = work.stage.arena;
  if (arena.contains(at.value)) return {outcome::returned, at.value - arena.start};
  ask(SYS_munmap, at.value, page_ceil(length));
  return {outcome::elsewhere, 0};
}

answer perform(const child_work& work, const call& one) {
  const address start = work.stage.arena.start;
  const address at = start + one.at;
  switch (one.what) {
    case verb::map: {
      const int file = one.file < 0 ? -1 : work.files[static_cast<std::size_t>(one.file)];
      return placed(work, ask(SYS_mmap, at, one.length, one.protection, one.flags, file, one.offset),
                    one.length);
    }
    case verb::unmap: return ask(SYS_munmap, at, one.length);
    case verb::protect: return ask(SYS_mprotect, at, one.length, one.protection);
    case verb::remap:
      return placed(work, ask(SYS_mremap, at, one.length, one.new_length, one.flags, start + one.new_at),
                    one.new_length);
    case verb::advise: return ask(SYS_madvise, at, one.length, one.advice);
    case verb::lock: return ask(SYS_mlock2, at, one.length, one.flags);
    case verb::unlock: return ask(SYS_munlock, at, one.length);
    case verb::lock_all: return one.flags == 0 ? ask(SYS_munlockall) : ask(SYS_mlockall, one.flags);
    case verb::sync: return ask(SYS_msync, at, one.length, one.flags);
    case verb::brk: return placed(work, ask(SYS_brk, at), 0);
    case verb::truncate:
      return ask(SYS_ftruncate, work.files[static_cast<std::size_t>(one.file)], one.length);
    case verb::limit: return limit(one);
    case verb::crowd: return crowd(work, one.length);
    case verb::load: return load(at);
    case verb::store: return store(at, one.value);
    case verb::descend: return descend();
    case verb::spawn: return spawn(work.stage.arena, one.value);
    case verb::core:  // these say more than an answer: look()
    case verb::show:
    case verb::inspect: break;
  }
  return {};
}

// --- records ----------------------------------------------------------------------------------------------

/// What this process shows of itself.
struct views {
  descriptor maps;
  descriptor smaps;
};

views open_views() {
  views made{descriptor{::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)},
             descriptor{::open("/proc/self/smaps", O_RDONLY | O_CLOEXEC)}};
  if (made.maps.get() < 0 || made.smaps.get() < 0) leave(child_exit::no_maps);
  return made;
}

address start_of_line(std::span<const char> line) {
  address start = 0;
  for (const char digit : line) {
    if (digit == '-') break;
    start = start * 16 + static_cast<address>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return start;
}

/// The first address of the last line.
address last_start(std::span<const char> lines) {
  std::size_t begin = lines.size() - 1;
  while (begin > 0 && lines[begin - 1] != '\n') --begin;
  return start_of_line(lines.subspan(begin));
}

/// Reads /proc/self/maps or smaps from its start until is_enough(what one read gave). How many bytes there are. The kernel
/// gives whole mappings at each read.
template <class F>
std::size_t read_mappings(int file, std::span<char> into, F is_enough) {
  if (::lseek(file, 0, SEEK_SET) != 0) leave(child_exit::no_maps);
  std::size_t have = 0;
  for (;;) {
    if (into.size() - have < page_size) leave(child_exit::too_many_lines);
    const ssize_t got = ::read(file, into.data() + have, into.size() - have);
    if (got < 0) leave(child_exit::no_maps);
    const std::span<const char> part{into.data() + have, static_cast<std::size_t>(got)};
    have += part.size();
    if (part.empty() || is_enough(part)) return have;
  }
}

/// What a call is for that only looks: bytes written to `into`.
std::size_t look(const child_work& work, const call& one, int smaps, std::span<char> into, answer& said) {
  const range arena = work.stage.arena;
  if (one.what == verb::show) {
    for (address at = arena.start; at < arena.end; at += page_size)
      into[(at - arena.start) >> page_shift] = page_letter(load(at));
    return arena.size() >> page_shift;
  }
  if (one.what == verb::inspect) {
    return read_mappings(smaps, into,
                         [arena](std::span<const char> part) { return start_of_line(part) >= arena.end; });
  }
  if (one.what != verb::core) return 0;
  said = ask(SYS_mincore, arena.start + one.at, one.length, into.data());
  if (said != answer{}) return 0;
  const std::size_t pages = page_ceil(one.length) >> page_shift;
  for (char& each : into.first(pages)) each = page_bit((each & 1) != 0);
  return pages;
}

void send(int pipe, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(pipe, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) leave(child_exit::no_reader);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

bool put_fence(range where) {
  constexpr int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  const answer put = ask(SYS_mmap, where.start, where.size(), PROT_NONE, flags, -1, 0);
  return put == answer{outcome::returned, where.start};
}

/// Moves the heap, which is empty afterwards. A process may describe itself; the calls for single values ask for a capability.
bool put_heap(const prctl_mm_map& with_heap) {
  return ::prctl(PR_SET_MM, PR_SET_MM_MAP, &with_heap, sizeof with_heap, 0) == 0;
}

/// The stack does not grow any more: its pages count against limits.
[[gnu::noinline]] void use_stack() {
  volatile char deep[16 * page_size];
  for (std::size_t at = 0; at < sizeof deep; at += page_size) deep[at] = 0;
}

}  // namespace

void perform_in_child(const child_work& work) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit locked{};
  ::getrlimit(RLIMIT_MEMLOCK, &locked);
  locked.rlim_cur = locked.rlim_max;
  ::setrlimit(RLIMIT_MEMLOCK, &locked);
  catch_signals();
  use_stack();
  views of_self = open_views();
  if (!put_fence(work.stage.fence_below()) || !put_fence(work.stage.fence_above()))
    leave(child_exit::no_fence);
  if (work.stage.with_heap && !put_heap(*work.stage.with_heap)) leave(child_exit::no_heap);

  make_crowd_room(work);

  const range arena = work.stage.arena;
  for (const call& one : work.calls) {
    record_head head{.answer = perform(work, one)};
    if (one.what == verb::descend) of_self = open_views();
    std::span<char> rest = work.workroom.subspan(sizeof head);
    head.seen = static_cast<std::uint32_t>(look(work, one, of_self.smaps.get(), rest, head.answer));
    rest = rest.subspan(head.seen);
    head.text = static_cast<std::uint32_t>(
        read_mappings(of_self.maps.get(), rest,
                      [arena](std::span<const char> part) { return last_start(part) >= arena.end; }));
    std::memcpy(work.workroom.data(), &head, sizeof head);
    send(work.to_parent, work.workroom.first(sizeof head + head.seen + head.text));
  }
  leave(child_exit::done);
}

}  // namespace rcuvm::diff_kernel
