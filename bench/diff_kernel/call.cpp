// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/call.hpp"

#include <fmt/format.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <span>
#include <string_view>

#include "rcuvm/mm/advice.hpp"

namespace rcuvm::diff_kernel {

namespace {

struct name {
  std::uint32_t bit;
  std::string_view text;
};

/// "A | B | 0x10"; `none` for no bits.
std::string join(std::uint32_t bits, std::span<const name> names, std::string_view none) {
  std::string made;
  const auto add = [&](std::string_view text) {
    if (!made.empty()) made += " | ";
    made += text;
  };
  for (const auto& [bit, text] : names) {
    if ((bits & bit) == 0) continue;
    add(text);
    bits &= ~bit;
  }
  if (bits != 0) add(fmt::format("{:#x}", bits));
  return made.empty() ? std::string{none} : made;
}

std::string protection_text(std::uint32_t bits) {
  static constexpr name names[] = {
      {PROT_READ, "PROT_READ"}, {PROT_WRITE, "PROT_WRITE"}, {PROT_EXEC, "PROT_EXEC"}};
  return join(bits, names, "PROT_NONE");
}

std::string map_text(std::uint32_t bits) {
  static constexpr name names[] = {{MAP_SHARED, "MAP_SHARED"},
                                   {MAP_PRIVATE, "MAP_PRIVATE"},
                                   {MAP_ANONYMOUS, "MAP_ANONYMOUS"},
                                   {MAP_FIXED, "MAP_FIXED"},
                                   {MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"},
                                   {MAP_GROWSDOWN, "MAP_GROWSDOWN"},
                                   {MAP_NORESERVE, "MAP_NORESERVE"},
                                   {MAP_LOCKED, "MAP_LOCKED"},
                                   {MAP_POPULATE, "MAP_POPULATE"},
                                   {MAP_STACK, "MAP_STACK"}};
  return join(bits, names, "0");
}

std::string remap_text(std::uint32_t bits) {
  static constexpr name names[] = {{MREMAP_MAYMOVE, "MREMAP_MAYMOVE"},
                                   {MREMAP_FIXED, "MREMAP_FIXED"},
                                   {MREMAP_DONTUNMAP, "MREMAP_DONTUNMAP"}};
  return join(bits, names, "0");
}

std::string lock_all_text(std::uint32_t bits) {
  static constexpr name names[] = {
      {MCL_CURRENT, "MCL_CURRENT"}, {MCL_FUTURE, "MCL_FUTURE"}, {MCL_ONFAULT, "MCL_ONFAULT"}};
  return bits == 0 ? "munlockall()" : fmt::format("mlockall({})", join(bits, names, "0"));
}

std::string sync_text(std::uint32_t bits) {
  static constexpr name names[] = {
      {MS_ASYNC, "MS_ASYNC"}, {MS_SYNC, "MS_SYNC"}, {MS_INVALIDATE, "MS_INVALIDATE"}};
  return join(bits, names, "0");
}

std::string advice_text(std::int32_t advice) {
  static constexpr std::pair<std::int32_t, std::string_view> names[] = {
      {MADV_NORMAL, "MADV_NORMAL"},
      {MADV_RANDOM, "MADV_RANDOM"},
      {MADV_SEQUENTIAL, "MADV_SEQUENTIAL"},
      {MADV_WILLNEED, "MADV_WILLNEED"},
      {MADV_DONTNEED, "MADV_DONTNEED"},
      {MADV_FREE, "MADV_FREE"},
      {MADV_REMOVE, "MADV_REMOVE"},
      {MADV_DONTFORK, "MADV_DONTFORK"},
      {MADV_DOFORK, "MADV_DOFORK"},
      {MADV_MERGEABLE, "MADV_MERGEABLE"},
      {MADV_UNMERGEABLE, "MADV_UNMERGEABLE"},
      {MADV_HUGEPAGE, "MADV_HUGEPAGE"},
      {MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE"},
      {MADV_DONTDUMP, "MADV_DONTDUMP"},
      {MADV_DODUMP, "MADV_DODUMP"},
      {MADV_WIPEONFORK, "MADV_WIPEONFORK"},
      {MADV_KEEPONFORK, "MADV_KEEPONFORK"},
      {MADV_COLD, "MADV_COLD"},
      {MADV_PAGEOUT, "MADV_PAGEOUT"},
      {MADV_POPULATE_READ, "MADV_POPULATE_READ"},
      {MADV_POPULATE_WRITE, "MADV_POPULATE_WRITE"},
      {MADV_DONTNEED_LOCKED, "MADV_DONTNEED_LOCKED"},
      {mm::guard_install, "MADV_GUARD_INSTALL"},
      {mm::guard_remove, "MADV_GUARD_REMOVE"},
  };
  for (const auto& [number, text] : names) {
    if (number == advice) return std::string{text};
  }
  return std::to_string(advice);
}

std::string resource_text(std::uint32_t resource) {
  switch (resource) {
    case RLIMIT_AS: return "RLIMIT_AS";
    case RLIMIT_DATA: return "RLIMIT_DATA";
    case RLIMIT_MEMLOCK: return "RLIMIT_MEMLOCK";
    case RLIMIT_STACK: return "RLIMIT_STACK";
    default: return std::to_string(resource);
  }
}

std::string at_text(std::uint64_t at) { return at == no_hint ? "NULL" : fmt::format("arena + {:#x}", at); }

}  // namespace

std::string to_text(const call& one) {
  const std::string at = at_text(one.at);
  switch (one.what) {
    case verb::map:
      return fmt::format("mmap({}, {:#x}, {}, {}, {}, {:#x})", at, one.length,
                         protection_text(one.protection), map_text(one.flags),
                         one.file < 0 ? "-1" : fmt::format("file[{}]", one.file), one.offset);
    case verb::unmap: return fmt::format("munmap({}, {:#x})", at, one.length);
    case verb::protect:
      return fmt::format("mprotect({}, {:#x}, {})", at, one.length, protection_text(one.protection));
    case verb::remap:
      return fmt::format("mremap({}, {:#x}, {:#x}, {}, {})", at, one.length, one.new_length,
                         remap_text(one.flags), at_text(one.new_at));
    case verb::advise: return fmt::format("madvise({}, {:#x}, {})", at, one.length, advice_text(one.advice));
    case verb::name:
      return fmt::format("name({}, {:#x}, {})", at, one.length,
                         one.value == 0 ? "NULL" : fmt::format("\"{}\"", one.value));
    case verb::lock:
      return fmt::format("mlock2({}, {:#x}, {})", at, one.length,
                         one.flags == MLOCK_ONFAULT ? "MLOCK_ONFAULT" : std::to_string(one.flags));
    case verb::unlock: return fmt::format("munlock({}, {:#x})", at, one.length);
    case verb::lock_all: return lock_all_text(one.flags);
    case verb::sync: return fmt::format("msync({}, {:#x}, {})", at, one.length, sync_text(one.flags));
    case verb::core: return fmt::format("mincore({}, {:#x}, core)", at, one.length);
    case verb::brk: return fmt::format("brk({})", at);
    case verb::truncate: return fmt::format("ftruncate(file[{}], {:#x})", one.file, one.length);
    case verb::limit:
      return fmt::format("limit({}, {})", resource_text(one.flags), static_cast<std::int64_t>(one.length));
    case verb::limit_to: return fmt::format("limit_to({}, {})", resource_text(one.flags), one.length);
    case verb::crowd: return fmt::format("crowd({})", one.length);
    case verb::load: return fmt::format("load({})", at);
    case verb::store: return fmt::format("store({}, '{}')", at, one.value);
    case verb::run: return fmt::format("run({})", at);
    case verb::show: return "show()";
    case verb::inspect: return "inspect()";
    case verb::descend: return "descend()";
    case verb::spawn: return fmt::format("spawn('{}')", one.value);
  }
  return {};
}

}  // namespace rcuvm::diff_kernel
