// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One call of a random sequence, and its text.

#include <cstddef>
#include <cstdint>
#include <string>

namespace rcuvm::diff_kernel {

enum class verb : std::uint8_t {
  map,       ///< mmap: at, length, protection, flags, file, offset
  unmap,     ///< munmap: at, length
  protect,   ///< mprotect: at, length, protection
  remap,     ///< mremap: at, length, new_length, flags, new_at
  advise,    ///< madvise: at, length, advice
  name,      ///< prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): at, length; `value` is the name, 0: none
  lock,      ///< mlock2: at, length, flags
  unlock,    ///< munlock: at, length
  lock_all,  ///< mlockall: flags; munlockall without any
  sync,      ///< msync: at, length, flags
  core,      ///< mincore: at, length
  brk,       ///< brk: at
  truncate,  ///< ftruncate: file, length
  limit,     ///< setrlimit: flags; to what is used now and `length` bytes (signed) more
  limit_to,  ///< setrlimit: flags; to `length` bytes
  crowd,     ///< mappings elsewhere until there may be `length` more
  load,      ///< reads the byte at `at`
  store,     ///< writes `value` to `at`
  run,       ///< executes what stands at `at`, the start of a page
  show,      ///< reads the first byte of each page of the arena
  inspect,   ///< reads VmFlags, Rss, Anonymous and Locked of /proc/PID/smaps
  descend,   ///< fork: all further calls are the child's
  spawn,     ///< fork of a child that stores `value` at the start of each page of the arena, and ends
};
inline constexpr std::size_t verb_count = static_cast<std::size_t>(verb::spawn) + 1;

/// An mmap without a hint, as its address.
inline constexpr std::uint64_t no_hint = ~std::uint64_t{0};

/// Numbers are the kernel's. Addresses count from the arena's start, modulo 2^64, so that a sequence does not depend on where
/// a process had room for its arena. What a verb does not need is 0.
struct call {
  verb what = verb::show;
  std::uint64_t at = 0;
  std::uint64_t length = 0;      ///< bytes, as given
  std::uint32_t protection = 0;  ///< PROT_
  std::uint32_t flags = 0;       ///< MAP_, MREMAP_, MLOCK_, MCL_, MS_ or RLIMIT_
  std::int32_t advice = 0;       ///< MADV_
  std::uint64_t new_at = 0;
  std::uint64_t new_length = 0;
  std::uint64_t offset = 0;  ///< bytes into the file
  std::int32_t file = -1;    ///< index into scene::files; -1: none
  char value = 0;
};

/// As a line of C, without a semicolon: "munmap(arena + 0x3000, 0x1000)". What is no system call is a function of the
/// program that reproducer.hpp writes.
[[nodiscard]] std::string to_text(const call& one);

}  // namespace rcuvm::diff_kernel
