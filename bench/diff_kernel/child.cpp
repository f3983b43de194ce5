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
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "bench/diff_kernel/child_surroundings.hpp"
#include "bench/diff_kernel/child_system.hpp"
#include "bench/diff_kernel/descriptor.hpp"

namespace rcuvm::diff_kernel {

namespace {

// --- loads, stores and jumps that may be refused ----------------------------------------------------------

sigjmp_buf way_out;
volatile outcome refusal;
volatile address running;  ///< the page that is being executed; 0: none

/// Unblocks what is blocked while it runs, so that loads and stores need not save a mask by a call of the kernel each.
void on_signal(int number, siginfo_t* told, void*) {
  // An instruction that is none has been fetched, too.
  const bool has_run =
      running != 0 && (number == SIGILL || page_floor(reinterpret_cast<address>(told->si_addr)) != running);
  running = 0;
  refusal = has_run                        ? outcome::returned
            : number == SIGBUS             ? outcome::beyond_file
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
  ::sigaction(SIGILL, &how, nullptr);
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

/// Jumps to `page` with all registers zero. What stands there are zeros and letters that were stored: as instructions they end
/// at a zero, which is add %al,(%rax) and so a SIGSEGV at address 0, or sooner as one that is not allowed. Only a page that
/// cannot be fetched gives a signal about itself.
RCUVM_UNSANITIZED answer run(address page) {
  if (::sigsetjmp(way_out, 0) != 0) return {refusal, 0};
  running = page;
  asm volatile(
      "sub $128, %%rsp\n\t"  // leaves the red zone alone; zeros for what pops
      "push $0\n\tpush $0\n\tpush $0\n\tpush %0\n\t"
      "xor %%eax, %%eax\n\txor %%ebx, %%ebx\n\txor %%ecx, %%ecx\n\txor %%edx, %%edx\n\t"
      "xor %%esi, %%esi\n\txor %%edi, %%edi\n\txor %%ebp, %%ebp\n\txor %%r8d, %%r8d\n\t"
      "xor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\txor %%r11d, %%r11d\n\txor %%r12d, %%r12d\n\t"
      "xor %%r13d, %%r13d\n\txor %%r14d, %%r14d\n\txor %%r15d, %%r15d\n\t"
      "ret"
      :
      : "r"(page)
      : "memory");
  __builtin_unreachable();
}

#undef RCUVM_UNSANITIZED

// --- calls ------------------------------------------------------------------------------------------------

/// Ends with the child, in the same way.
[[noreturn]] void follow(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) ::kill(::getpid(), WTERMSIG(status));
  ::_exit(WEXITSTATUS(status));
}

/// Lets the parent's end be this process's end, also when that has come already.
void end_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) leave(child_exit::done);
}

/// _Fork runs no handlers: those of the parent's libraries may take locks.
answer descend() {
  const pid_t parent = ::getpid();
  const pid_t child = ::_Fork();
  if (child < 0) return {outcome::failed, static_cast<std::uint64_t>(errno)};
  if (child > 0) follow(child);
  end_with(parent);
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

/// Of a call that returns where it has put something.
answer placed(const child_work& work, answer at) {
  if (at.outcome != outcome::returned) return at;
  return {outcome::returned, at.value - work.stage.arena.start};
}

answer perform(const child_work& work, const call& one) {
  const address start = work.stage.arena.start;
  const address at = one.at == no_hint ? 0 : start + one.at;
  switch (one.what) {
    case verb::map: {
      const int file = one.file < 0 ? -1 : work.files[static_cast<std::size_t>(one.file)];
      return placed(work, ask(SYS_mmap, at, one.length, one.protection, one.flags, file, one.offset));
    }
    case verb::unmap: return ask(SYS_munmap, at, one.length);
    case verb::protect: return ask(SYS_mprotect, at, one.length, one.protection);
    case verb::remap:
      return placed(work, ask(SYS_mremap, at, one.length, one.new_length, one.flags, start + one.new_at));
    case verb::advise: return ask(SYS_madvise, at, one.length, one.advice);
    case verb::name: {
      const char name[] = {one.value, 0};
      return ask(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, one.length,
                 one.value == 0 ? nullptr : name);
    }
    case verb::lock: return ask(SYS_mlock2, at, one.length, one.flags);
    case verb::unlock: return ask(SYS_munlock, at, one.length);
    case verb::lock_all: return one.flags == 0 ? ask(SYS_munlockall) : ask(SYS_mlockall, one.flags);
    case verb::sync: return ask(SYS_msync, at, one.length, one.flags);
    case verb::brk: return placed(work, ask(SYS_brk, at));
    case verb::truncate:
      return ask(SYS_ftruncate, work.files[static_cast<std::size_t>(one.file)], one.length);
    case verb::limit: return limit(one);
    case verb::limit_to: return limit_to(one.flags, one.length);
    case verb::crowd: return crowd(work, one.length);
    case verb::load: return load(at);
    case verb::store: return store(at, one.value);
    case verb::run: return run(at);
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

/// The first address of the last line.
address last_start(std::span<const char> lines) {
  std::size_t begin = lines.size() - 1;
  while (begin > 0 && lines[begin - 1] != '\n') --begin;
  return start_of_line(lines.subspan(begin));
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

}  // namespace

void perform_in_child(const child_work& work) noexcept {
  end_with(work.parent);
  rlimit locked{};
  ::getrlimit(RLIMIT_MEMLOCK, &locked);
  locked.rlim_cur = locked.rlim_max;
  ::setrlimit(RLIMIT_MEMLOCK, &locked);
  catch_signals();
  static_cast<void>(load(0));  // what a sanitizer maps at its first jump does not go to the arena
  use_stack();
  views of_self = open_views();
  if (!put_fence(work.stage.fence_below()) || !put_fence(work.stage.fence_above()))
    leave(child_exit::no_fence);
  if (work.stage.with_heap && !put_heap(*work.stage.with_heap)) leave(child_exit::no_heap);

  make_crowd_room(work);
  fill_elsewhere(work);

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
