// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/call.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "bench/diff_kernel/generate.hpp"
#include "bench/diff_kernel/reproducer.hpp"
#include "rcuvm/base/address.hpp"

namespace rcuvm::diff_kernel {
namespace {

namespace fs = std::filesystem;

TEST(diff_kernel_call, Is_told_as_C) {
  EXPECT_EQ(to_text({.what = verb::map,
                     .at = 0x3000,
                     .length = 0x1234,
                     .protection = PROT_READ | PROT_WRITE,
                     .flags = MAP_PRIVATE | MAP_FIXED,
                     .offset = 0x2000,
                     .file = 1}),
            "mmap(arena + 0x3000, 0x1234, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file[1], 0x2000)");
  EXPECT_EQ(to_text({.what = verb::remap, .at = 0x1001, .length = 0, .new_at = 0x5000, .new_length = 0x1000}),
            "mremap(arena + 0x1001, 0x0, 0x1000, 0, arena + 0x5000)");
  EXPECT_EQ(to_text({.what = verb::advise, .length = 0x1000, .advice = MADV_DONTFORK}),
            "madvise(arena + 0x0, 0x1000, MADV_DONTFORK)");
  EXPECT_EQ(to_text({.what = verb::protect, .length = 0x1000}), "mprotect(arena + 0x0, 0x1000, PROT_NONE)");
  EXPECT_EQ(to_text({.what = verb::limit, .length = -page_size, .flags = RLIMIT_DATA}),
            "limit(RLIMIT_DATA, -4096)");
  EXPECT_EQ(to_text({.what = verb::limit_to, .length = 100, .flags = RLIMIT_STACK}),
            "limit_to(RLIMIT_STACK, 100)");
  EXPECT_EQ(to_text({.what = verb::name, .at = 0x1000, .length = 0x2000, .value = 'x'}),
            "name(arena + 0x1000, 0x2000, \"x\")");
  EXPECT_EQ(to_text({.what = verb::name, .length = 0x2000}), "name(arena + 0x0, 0x2000, NULL)");
  EXPECT_EQ(to_text({.what = verb::crowd, .length = 3}), "crowd(3)");
  EXPECT_EQ(to_text({.what = verb::lock_all, .flags = MCL_CURRENT | MCL_ONFAULT}),
            "mlockall(MCL_CURRENT | MCL_ONFAULT)");
  EXPECT_EQ(to_text({.what = verb::lock_all}), "munlockall()");
  EXPECT_EQ(to_text({.what = verb::store, .at = 0x10, .value = 'x'}), "store(arena + 0x10, 'x')");
}

constexpr std::uint64_t arena_bytes = 64 * page_size;

TEST(diff_kernel_generator, Draws_the_same_calls_from_the_same_seed) {
  generator first{7, arena_bytes};
  generator second{7, arena_bytes};
  generator other{8, arena_bytes};
  std::size_t equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = to_text(first.next());
    EXPECT_EQ(text, to_text(second.next()));
    equal += text == to_text(other.next()) ? 1 : 0;
  }
  EXPECT_LT(equal, 100);
}

TEST(diff_kernel_generator, Draws_every_verb_and_stays_in_the_arena) {
  generator from{1, arena_bytes};
  std::map<verb, std::size_t> drawn;
  for (int i = 0; i < 20'000; ++i) {
    const call one = from.next();
    ++drawn[one.what];
    if ((one.what == verb::map && one.at == no_hint) || one.what == verb::limit || one.what == verb::limit_to)
      continue;
    ASSERT_LT(one.at, arena_bytes) << to_text(one);
    // What is longer than that wraps around, or is longer than all of user space: no call does anything then.
    if (one.length < (std::uint64_t{1} << 48)) {
      ASSERT_LE(page_floor(one.at) + one.length, arena_bytes) << to_text(one);
    }
  }
  EXPECT_EQ(drawn.size(), verb_count);
}

TEST(reproducer, Is_a_program_that_performs_the_calls) {
  if (std::system("cc --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no C compiler";
  const fs::path folder = fs::temp_directory_path() / ("rcuvm_reproducer_" + std::to_string(::getpid()));
  fs::create_directory(folder);
  const call calls[] = {
      {.what = verb::map,
       .at = 0x2000,
       .length = 0x3000,
       .protection = PROT_READ,
       .flags = MAP_SHARED | MAP_FIXED,
       .offset = 0x1000,
       .file = 0},
      {.what = verb::unmap, .at = 0x3000, .length = 0x1000},
      {.what = verb::store, .at = 0x3000, .value = 'x'},
      {.what = verb::load, .at = 0x2000},
      {.what = verb::show},
      {.what = verb::unmap, .at = 1, .length = 0x1000},
      {.what = verb::brk, .at = 0x6010},
      {.what = verb::map,
       .at = no_hint,
       .length = 0x1000,
       .protection = PROT_READ,
       .flags = MAP_PRIVATE | MAP_ANONYMOUS},
      {.what = verb::crowd, .length = 1},
      {.what = verb::protect, .at = 0x2000, .length = 0x1000},
      {.what = verb::limit, .flags = RLIMIT_MEMLOCK},
      {.what = verb::lock_all, .flags = MCL_CURRENT},
      {.what = verb::lock_all},
      {.what = verb::map,
       .at = 0x7000,
       .length = 0x1000,
       .protection = PROT_READ | PROT_WRITE,
       .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN},
      {.what = verb::limit_to, .length = 0x1000, .flags = RLIMIT_STACK},
      {.what = verb::unmap, .at = 0x5000, .length = 0x2000},
      {.what = verb::store, .at = 0x6000, .value = 'x'},
      {.what = verb::store, .at = 0x7000, .value = 'x'},
      {.what = verb::inspect},
      {.what = verb::run, .at = 0x7000},
      {.what = verb::protect, .at = 0x7000, .length = 0x1000, .protection = PROT_READ | PROT_EXEC},
      {.what = verb::run, .at = 0x7000},
      {.what = verb::name, .at = 0x7001, .length = 0x1000, .value = 'x'}};
  std::ofstream{folder / "it.c"} << reproducer(calls, 8 * page_size, "  said\n");
  const std::string in_folder = "cd " + folder.string() + " && ";
  EXPECT_EQ(std::system((in_folder + "cc -Wall -Wextra -Werror -o it it.c && ./it > out").c_str()), 0);
  std::ifstream in{folder / "out"};
  const std::string out{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_NE(out.find("  10102000-10103000 r--s 00001000"), std::string::npos) << out;
  EXPECT_NE(out.find("  10104000-10105000 r--s 00003000"), std::string::npos) << out;
  EXPECT_NE(out.find("store(arena + 0x3000, 'x') = SIGSEGV, nothing mapped"), std::string::npos) << out;
  EXPECT_NE(out.find("load(arena + 0x2000) = 0"), std::string::npos) << out;
  EXPECT_NE(out.find("run(arena + 0x7000) = SIGSEGV, no access"), std::string::npos) << out;
  EXPECT_NE(out.find("run(arena + 0x7000) = 0"), std::string::npos) << out;
  EXPECT_NE(out.find("..0.0..."), std::string::npos) << out;
  EXPECT_NE(out.find("munmap(arena + 0x1, 0x1000) = -1 EINVAL"), std::string::npos) << out;
  EXPECT_NE(out.find("brk(arena + 0x6010) = 0x10106010"), std::string::npos) << out;
  EXPECT_NE(out.find("  10105000-10107000 rw-p 00000000 00:00 0                                  [heap]"),
            std::string::npos)
      << out;
  EXPECT_NE(out.find(" = 0x10107000\n"), std::string::npos) << out;  // the only room
  EXPECT_NE(out.find("mprotect(arena + 0x2000, 0x1000, PROT_NONE) = 0"), std::string::npos) << out;
  EXPECT_NE(out.find("mlockall(MCL_CURRENT) = -1 E"), std::string::npos)
      << out;  // EPERM, ENOMEM: as much is locked
  EXPECT_NE(out.find("munlockall() = 0"), std::string::npos) << out;
  EXPECT_NE(out.find("store(arena + 0x6000, 'x') = SIGSEGV, nothing mapped"), std::string::npos) << out;
  EXPECT_NE(out.find("name(arena + 0x7001, 0x1000, \"x\") = -1 EINVAL"), std::string::npos) << out;
  for (const char* const line : {"Rss:                   4 kB", "Anonymous:             4 kB",
                                 "Locked:                0 kB", "VmFlags: rd wr mr mw me gd"})
    EXPECT_NE(out.find("  10107000 " + std::string{line}), std::string::npos) << out;
  fs::remove_all(folder);
}

}  // namespace
}  // namespace rcuvm::diff_kernel
