// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the child talks to the kernel: without memory of its own, and without the C library's opinion.

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/diff_kernel/answer.hpp"
#include "bench/diff_kernel/child.hpp"
#include "rcuvm/base/address.hpp"

namespace rcuvm::diff_kernel {

[[noreturn]] inline void leave(child_exit how) noexcept { ::_exit(static_cast<int>(how)); }

/// The system call itself: the C library checks arguments, too.
template <class... Argument>
answer ask(long number, Argument... arguments) {
  const long got = ::syscall(number, arguments...);
  if (got == -1) return {outcome::failed, static_cast<std::uint64_t>(errno)};
  return {outcome::returned, static_cast<std::uint64_t>(got)};
}

/// The first address of a line of /proc/self/maps.
[[nodiscard]] inline address start_of_line(std::span<const char> line) {
  address start = 0;
  for (const char digit : line) {
    if (digit == '-' || digit == ' ') break;
    start = start * 16 + static_cast<address>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return start;
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

}  // namespace rcuvm::diff_kernel
