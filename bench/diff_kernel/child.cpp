// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/child.hpp"

#include <fcntl.h>
#include <linux/mman.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace rcuvm::diff_kernel {

namespace {

[[noreturn]] void leave(child_exit how) noexcept { ::_exit(static_cast<int>(how)); }

// --- loads and stores that may be refused -----------------------------------------------------------------

sigjmp_buf way_out;
volatile outcome refusal;

void on_signal(int number, siginfo_t* told, void*) {
  refusal = number == SIGBUS               ? outcome::beyond_file
            : told->si_code == SEGV_MAPERR ? outcome::not_mapped
                                           : outcome::not_allowed;
  ::siglongjmp(way_out, 1);
}

/// SA_NODEFER: nothing is blocked, so that the way out need not restore a mask by another call of the kernel.
void catch_signals() {
  struct sigaction how{};
  how.sa_sigaction = on_signal;
  how.sa_flags = SA_SIGINFO | SA_NODEFER;
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

answer relative(answer placed, address to) {
  if (placed.outcome == outcome::returned) placed.value -= to;
  return placed;
}

answer perform(const child_work& work, const call& one) {
  const address at = work.arena.start + one.at;
  switch (one.what) {
    case verb::map: {
      const int file = one.file < 0 ? -1 : work.files[static_cast<std::size_t>(one.file)];
      return relative(ask(SYS_mmap, at, one.length, one.protection, one.flags, file, one.offset),
                      work.arena.start);
    }
    case verb::unmap: return ask(SYS_munmap, at, one.length);
    case verb::protect: return ask(SYS_mprotect, at, one.length, one.protection);
    case verb::remap:
      return relative(
          ask(SYS_mremap, at, one.length, one.new_length, one.flags, work.arena.start + one.new_at),
          work.arena.start);
    case verb::advise: return ask(SYS_madvise, at, one.length, one.advice);
    case verb::lock: return ask(SYS_mlock2, at, one.length, one.flags);
    case verb::unlock: return ask(SYS_munlock, at, one.length);
    case verb::load: return load(at);
    case verb::store: return store(at, one.value);
    case verb::show: break;
  }
  return {};
}

// --- records ----------------------------------------------------------------------------------------------

/// The first address of the last whole line.
address last_start(std::span<const char> lines) {
  std::size_t begin = lines.size() - 1;
  while (begin > 0 && lines[begin - 1] != '\n') --begin;
  address start = 0;
  for (; lines[begin] != '-'; ++begin) {
    const char digit = lines[begin];
    start = start * 16 + static_cast<address>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return start;
}

/// How many bytes there are. The kernel writes whole lines at each read.
std::size_t read_lines(int maps, range arena, std::span<char> into) {
  if (::lseek(maps, 0, SEEK_SET) != 0) leave(child_exit::no_maps);
  std::size_t have = 0;
  for (;;) {
    if (into.size() - have < page_size) leave(child_exit::too_many_lines);
    const ssize_t got = ::read(maps, into.data() + have, into.size() - have);
    if (got < 0) leave(child_exit::no_maps);
    have += static_cast<std::size_t>(got);
    if (got == 0 || last_start(into.first(have)) >= arena.end) return have;
  }
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

}  // namespace

void perform_in_child(const child_work& work) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit locked{};
  ::getrlimit(RLIMIT_MEMLOCK, &locked);
  locked.rlim_cur = locked.rlim_max;
  ::setrlimit(RLIMIT_MEMLOCK, &locked);
  catch_signals();
  const int maps = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (maps < 0) leave(child_exit::no_maps);
  if (!put_fence(fence_below(work.arena)) || !put_fence(fence_above(work.arena))) leave(child_exit::no_fence);

  for (const call& one : work.calls) {
    record_head head{.answer = perform(work, one)};
    std::span<char> rest = work.workroom.subspan(sizeof head);
    if (one.what == verb::show) {
      for (address at = work.arena.start; at < work.arena.end; at += page_size)
        rest[head.shown++] = page_letter(load(at));
    }
    rest = rest.subspan(head.shown);
    head.text = static_cast<std::uint32_t>(read_lines(maps, work.arena, rest));
    std::memcpy(work.workroom.data(), &head, sizeof head);
    send(work.to_parent, work.workroom.first(sizeof head + head.shown + head.text));
  }
  leave(child_exit::done);
}

}  // namespace rcuvm::diff_kernel
