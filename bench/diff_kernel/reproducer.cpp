// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/reproducer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "bench/diff_kernel/scene.hpp"

namespace rcuvm::diff_kernel {

namespace {

constexpr std::string_view head = R"(#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

static char *const arena = (char *)0x10100000;
static int file[2];

static sigjmp_buf way_out;
static const char *refusal;
static unsigned long running; /* the page that is being executed */
static int has_run;

static void on_signal(int number, siginfo_t *told, void *context) {
  (void)context;
  has_run = running != 0 && (number == SIGILL || ((unsigned long)told->si_addr & ~4095ul) != running);
  running = 0;
  refusal = number == SIGBUS ? "SIGBUS" : told->si_code == SEGV_MAPERR ? "SIGSEGV, nothing mapped" : "SIGSEGV, no access";
  siglongjmp(way_out, 1);
}

static inline long load(volatile char *at) { return sigsetjmp(way_out, 1) != 0 ? -2 : (unsigned char)*at; }

static inline long store(volatile char *at, char value) {
  if (sigsetjmp(way_out, 1) != 0) return -2;
  *at = value;
  return 0;
}

/* What stands there ends at a zero, which is add %al,(%rax), with a SIGSEGV at address 0. */
static inline long run(char *page) {
  if (sigsetjmp(way_out, 1) != 0) return has_run ? 0 : -2;
  running = (unsigned long)page;
  __asm__ volatile(
      "sub $128, %%rsp; push $0; push $0; push $0; push %0;"
      "xor %%eax, %%eax; xor %%ebx, %%ebx; xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi;"
      "xor %%ebp, %%ebp; xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d;"
      "xor %%r12d, %%r12d; xor %%r13d, %%r13d; xor %%r14d, %%r14d; xor %%r15d, %%r15d; ret"
      : : "r"(page) : "memory");
  __builtin_unreachable();
}

static inline long show(void) {
  for (char *at = arena; at < arena + arena_bytes; at += 4096) {
    const long got = load(at);
    putchar(got > 0 ? (int)got : got == 0 ? '0' : refusal[3] == 'B' ? '!' : strstr(refusal, "mapped") ? '.' : '-');
  }
  putchar('\n');
  return 0;
}

static inline long inspect(void) {
  FILE *smaps = fopen("/proc/self/smaps", "r");
  char line[512];
  unsigned long start = 0;
  while (smaps && fgets(line, sizeof line, smaps)) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) start = from;
    if (start < (unsigned long)arena || start >= (unsigned long)arena + arena_bytes) continue;
    if (strncmp(line, "VmFlags:", 8) == 0 || strncmp(line, "Rss:", 4) == 0 ||
        strncmp(line, "Anonymous:", 10) == 0 || strncmp(line, "Locked:", 7) == 0)
      printf("  %lx %s", start, line);
  }
  if (smaps) fclose(smaps);
  return 0;
}

static inline long limit_to(int resource, rlim_t bytes) {
  if (resource == RLIMIT_MEMLOCK) { /* without CAP_IPC_LOCK */
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3];
    syscall(SYS_capget, &head, own);
    own[0].effective &= ~(1u << CAP_IPC_LOCK);
    syscall(SYS_capset, &head, own);
  }
  struct rlimit to;
  getrlimit(resource, &to);
  to.rlim_cur = bytes < to.rlim_max ? bytes : to.rlim_max;
  return setrlimit(resource, &to);
}

/* To what is used now and `more` bytes. */
static inline long limit(int resource, long more) {
  const char *const key = resource == RLIMIT_AS ? "VmSize: %ld" : resource == RLIMIT_DATA ? "VmData: %ld" : "VmLck: %ld";
  FILE *status = fopen("/proc/self/status", "r");
  char line[512];
  long used = 0;
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, key, &used) == 1) break;
  if (status) fclose(status);
  return limit_to(resource, used * 1024 + more > 0 ? used * 1024 + more : 0);
}

/* The C library's own functions check some arguments first. */
#define mmap(at, length, protection, flags, fd, offset) \
  syscall(SYS_mmap, at, length, protection, flags, fd, offset)
#define madvise(at, length, advice) syscall(SYS_madvise, at, length, advice)

static char *crowd_room;
static long most_mappings;

static inline void make_crowd_room(void) {
  FILE *sysctl = fopen("/proc/sys/vm/max_map_count", "r");
  if (!sysctl || fscanf(sysctl, "%ld", &most_mappings) != 1) return;
  fclose(sysctl);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  crowd_room = (char *)mmap(0x600000000000, most_mappings * 4096, PROT_NONE, flags, -1, 0);
  madvise(crowd_room, most_mappings * 4096, MADV_SEQUENTIAL);
}

/* Mappings elsewhere until there may be `left` more. */
static inline long crowd(long left) {
  madvise(crowd_room, most_mappings * 4096, MADV_DODUMP);
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  long more = most_mappings - left;
  while (maps && fgets(line, sizeof line, maps)) more -= strstr(line, "[vsyscall]") == NULL;
  if (maps) fclose(maps);
  char *at = crowd_room;
  if (more % 2 != 0) madvise(at, 4096, MADV_DONTDUMP);
  for (at += 2 * 4096; more >= 2; more -= 2, at += 2 * 4096) madvise(at, 4096, MADV_DONTDUMP);
  return 0;
}

static inline long descend(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child > 0) {
    waitpid(child, NULL, 0);
    _exit(0);
  }
  return child;
}

static inline long spawn(char value) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (char *at = arena; at < arena + arena_bytes; at += 4096) store(at, value);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return 0;
}

/* An empty heap that begins there. */
static inline void put_heap(char *start) {
  unsigned long of[52] = {0};
  FILE *stat = fopen("/proc/self/stat", "r");
  if (!stat || fscanf(stat, "%*d (%*[^)]) %*c") != 0) return;
  for (int i = 4; i < 52; ++i)
    if (fscanf(stat, "%lu", &of[i]) != 1) return;
  fclose(stat);
  const unsigned long at = (unsigned long)start;
  struct prctl_mm_map map = {.start_code = of[26], .end_code = of[27], .start_data = at, .end_data = at,
    .start_brk = at, .brk = at, .start_stack = of[28], .arg_start = of[48], .arg_end = of[49],
    .env_start = of[50], .env_end = of[51], .exe_fd = -1};
  if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0) perror("prctl");
}

/* Whatever may go anywhere has to go to the arena. Shared memory beside it, so that nothing merges with that. */
static inline void fill_elsewhere(void) {
  static unsigned long start[4096], end[4096];
  char *const fence[] = {arena - 4096, arena + arena_bytes};
  for (int i = 0; i < 2; ++i)
    syscall(SYS_mmap, fence[i], 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  int count = 0;
  while (maps && count < 4095 && fgets(line, sizeof line, maps))
    count += sscanf(line, "%lx-%lx", &start[count], &end[count]) == 2;
  if (maps) fclose(maps);
  start[count++] = 0x7ffffffff000;
  unsigned long reached = 0x10000;
  for (int i = 0; i < count; ++i) {
    if (start[i] > reached && reached != (unsigned long)arena)
      syscall(SYS_mmap, reached, start[i] - reached, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    reached = end[i];
  }
}

static char core[arena_bytes / 4096];

static inline long mincore_shown(char *at, unsigned long length) {
  const long got = syscall(SYS_mincore, at, length, core);
  for (unsigned long page = 0; got == 0 && page * 4096 < length; ++page) putchar('0' + (core[page] & 1));
  putchar('\n');
  return got;
}

#define name(at, length, as) prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, length, as)
#define mremap(at, length, new_length, flags, new_at) syscall(SYS_mremap, at, length, new_length, flags, new_at)
#define munmap(at, length) syscall(SYS_munmap, at, length)
#define mprotect(at, length, protection) syscall(SYS_mprotect, at, length, protection)
#define mlock2(at, length, flags) syscall(SYS_mlock2, at, length, flags)
#define munlock(at, length) syscall(SYS_munlock, at, length)
#define mlockall(flags) syscall(SYS_mlockall, flags)
#define munlockall() syscall(SYS_munlockall)
#define msync(at, length, flags) syscall(SYS_msync, at, length, flags)
#define mincore(at, length, core) mincore_shown(at, length)
#define brk(at) syscall(SYS_brk, at)

static void tell(const char *call, long got) {
  if (got == -1)
    printf("%s = -1 %s\n", call, strerrorname_np(errno));
  else
    printf("%s = %s%#lx\n", call, got == -2 ? refusal : "", got == -2 ? 0 : got);
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  unsigned long start;
  while (maps && fgets(line, sizeof line, maps))
    if (sscanf(line, "%lx", &start) == 1 && start >= (unsigned long)arena &&
        start < (unsigned long)arena + arena_bytes)
      printf("  %s", line);
  if (maps) fclose(maps);
}

#define CALL(call) tell(#call, (long)(call))

)";

}  // namespace

std::string reproducer(std::span<const call> calls, std::uint64_t arena_bytes, const std::string& said) {
  std::string text =
      "/* What the kernel does with these calls; written by rcuvm diff-kernel.\n\n" + said + "*/\n";
  text += head;
  text.insert(text.find("static int file"), fmt::format("enum {{ arena_bytes = {:#x} }};\n", arena_bytes));
  text += "int main(void) {\n";
  for (std::size_t index = 0; index < file_sizes.size(); ++index) {
    text += fmt::format(
        "  file[{0}] = memfd_create(\"rcuvm-{0}\", 0);\n"
        "  if (file[{0}] < 0 || ftruncate(file[{0}], {1}) != 0) return 1;\n",
        index, file_sizes[index]);
  }
  text +=
      "  struct sigaction how = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};\n"
      "  sigaction(SIGSEGV, &how, NULL);\n"
      "  sigaction(SIGBUS, &how, NULL);\n"
      "  sigaction(SIGILL, &how, NULL);\n\n";
  if (std::ranges::any_of(calls, [](const call& one) { return one.what == verb::brk; })) {
    const stage on{.arena = {0, arena_bytes}};
    text += fmt::format(
        "  free(malloc(1)); /* stdio needs no more of the heap */\n"
        "  put_heap(arena + {:#x});\n\n",
        on.first_break());
  }
  if (std::ranges::any_of(calls, [](const call& one) { return one.what == verb::crowd; }))
    text += "  make_crowd_room();\n";
  text += "  fill_elsewhere();\n\n";
  for (const call& one : calls) text += "  CALL(" + to_text(one) + ");\n";
  return text + "  return 0;\n}\n";
}

}  // namespace rcuvm::diff_kernel
