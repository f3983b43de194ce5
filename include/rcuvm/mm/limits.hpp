// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a process may have at most, and what it has.

#include <cstdint>

#include "rcuvm/base/address.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::mm {

/// The limits of one process.
struct limits {
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  std::uint64_t mappings = 65'530;  ///< vm.max_map_count: no mapping is cut when there are as many
  std::uint64_t bytes = none;       ///< RLIMIT_AS
  std::uint64_t data_bytes =
      none;  ///< RLIMIT_DATA: private memory that can be written, and the heap; 0: the heap alone
  std::uint64_t locked_bytes = none;    ///< RLIMIT_MEMLOCK; none stands for CAP_IPC_LOCK, too
  std::uint64_t stack_bytes = 8 << 20;  ///< RLIMIT_STACK: so long does a mapping grow that grows down
};

/// A child has none of these mappings.
inline constexpr vm::vma_flags left_out_by_fork{vm::vma_flag::tombstone, vm::vma_flag::dont_fork};
/// Nor these, or it has them otherwise.
inline constexpr vm::vma_flags changed_by_fork =
    left_out_by_fork.with({vm::vma_flag::locked, vm::vma_flag::lock_on_fault, vm::vma_flag::wipe_on_fork});

/// What counts against them. Signed, so that a mapping may be replaced by a smaller one of another kind: the kernel counts
/// modulo 2^64, and would refuse that to a process with hardly any data.
/// Kernel: map_count, total_vm, data_vm, locked_vm of mm_struct.
struct usage {
  std::int64_t mappings = 0;
  std::int64_t pages = 0;
  std::int64_t data_pages = 0;
  std::int64_t locked_pages = 0;
  std::int64_t told_of_fork =
      0;  ///< mappings that are not what they were after a fork: locked, left out, wiped

  void add(const vm::vma_fields& one) noexcept { count(one, 1); }
  void remove(const vm::vma_fields& one) noexcept { count(one, -1); }

  friend bool operator==(const usage&, const usage&) = default;

 private:
  void count(const vm::vma_fields& one, std::int64_t sign) noexcept;
};

/// Kernel: is_data_mapping.
[[nodiscard]] constexpr bool is_data(vm::vma_flags of) noexcept {
  using enum vm::vma_flag;
  return of.has(write) && !of.has_any({shared, grows_down});
}

inline void usage::count(const vm::vma_fields& one, std::int64_t sign) noexcept {
  const auto size = sign * static_cast<std::int64_t>(one.where.size() >> page_shift);
  mappings += sign;
  pages += size;
  if (is_data(one.flags)) data_pages += size;
  if (one.flags.has(vm::vma_flag::locked)) locked_pages += size;
  if (one.flags.has_any(changed_by_fork)) told_of_fork += sign;
}

/// Does a number of pages stay within a limit in bytes?
[[nodiscard]] constexpr bool is_within(std::int64_t pages, std::uint64_t limit) noexcept {
  return limit == limits::none || pages <= static_cast<std::int64_t>(limit >> page_shift);
}

/// May a process have so many pages more of that kind? Fewer than none: they replace others. Kernel: may_expand_vm, which
/// lets a soft limit of 0 pass, for Valgrind.
[[nodiscard]] constexpr bool may_expand(const usage& has, const limits& may, vm::vma_flags kind,
                                        std::int64_t pages) noexcept {
  return is_within(has.pages + pages, may.bytes) &&
         (!is_data(kind) || may.data_bytes == 0 || is_within(has.data_pages + pages, may.data_bytes));
}

/// May it have so many pages more of that kind, if those are locked? Kernel: mlock_future_ok.
[[nodiscard]] constexpr bool may_lock_more(const usage& has, const limits& may, vm::vma_flags kind,
                                           std::int64_t pages) noexcept {
  return !kind.has(vm::vma_flag::locked) || is_within(has.locked_pages + pages, may.locked_bytes);
}

[[nodiscard]] constexpr std::int64_t pages_of(range where) noexcept {
  return static_cast<std::int64_t>(where.size() >> page_shift);
}

}  // namespace rcuvm::mm
