// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What callers ask of an address space, and what it tells them.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "rcuvm/base/address.hpp"
#include "rcuvm/base/flags.hpp"
#include "rcuvm/vm/file.hpp"
#include "rcuvm/vm/protection.hpp"

namespace rcuvm::mm {

/// Where an address space may put things. The defaults are those of a 64-bit x86 process without ASLR.
struct layout {
  address lowest = 0x10000;                  ///< mmap_min_addr
  address mmap_base = 0x7fff'f7ff'f000;      ///< top-down placement ends here
  address unmapped_base = 0x2aaa'aaaa'a000;  ///< bottom-up placement starts here
  address end = 0x7fff'ffff'f000;            ///< TASK_SIZE: addresses are below
  bool is_bottom_up = false;
  std::uint64_t stack_guard_gap = 256 * page_size;
  std::uint64_t huge_page = 2 << 20;  ///< bytes; 0: a kernel without transparent huge pages
  std::uint64_t fault_around = 0;  ///< bytes, a power of two: see mm/fault_around.hpp; a page or less: none
};

enum class map_flag : std::uint32_t {
  shared = 1U << 0,  ///< without it the mapping is private
  fixed = 1U << 1,
  fixed_noreplace = 1U << 2,
  grows_down = 1U << 3,
  no_reserve = 1U << 4,
  locked = 1U << 5,
  populate = 1U << 6,
  stack = 1U << 7,  ///< MAP_STACK: no huge pages
};
using map_flags = flags<map_flag>;

struct map_request {
  address hint = 0;
  std::uint64_t length = 0;  ///< bytes, rounded up to pages
  vm::protection protection = {};
  map_flags flags = {};
  std::shared_ptr<vm::file> file = {};  ///< null: anonymous
  std::uint64_t offset = 0;             ///< bytes into the file, a multiple of the page size
  std::optional<address> recorded =
      {};                 ///< replay: search for a place as usual, then put it where the kernel did
  std::string name = {};  ///< not empty: a special mapping of the kernel's ("[vdso]")
};

/// What becomes of a private mapping's own copies of pages that their file loses.
enum class copies : std::uint8_t { stay, go };

enum class remap_flag : std::uint8_t { may_move = 1, fixed = 2, dont_unmap = 4 };  ///< the kernel's values
using remap_flags = flags<remap_flag>;

struct remap_request {
  address old_address = 0;
  std::uint64_t old_length = 0;  ///< bytes; 0: a second mapping of a shared one
  std::uint64_t new_length = 0;
  remap_flags flags = {};
  address new_address = 0;               ///< with fixed
  std::optional<address> recorded = {};  ///< replay: where the kernel moved it
};

/// Pages that are mapped, as smaps counts them. The shared page of zeros is none.
struct page_counts {
  std::uint64_t resident = 0;  ///< present. Kernel: Rss
  std::uint64_t anonymous =
      0;  ///< of those, private ones that were written: no file holds them. Kernel: Anonymous
  /// Those of locked mappings, each divided among all places that map it. In 1/4096 of a byte, as the kernel counts Pss.
  std::uint64_t locked = 0;

  /// Kernel: Locked of smaps.
  [[nodiscard]] constexpr std::uint64_t locked_kilobytes() const noexcept { return locked >> 12 >> 10; }
};

/// May a fault go on with the VMA that it has found? What the design says.
enum class kept : std::uint8_t {
  yes,
  again,  ///< it is outdated: look up again
  lock    ///< a writer is at it: look up again with the design's lock held
};

/// What a page fault did.
enum class fault_outcome : std::uint8_t {
  installed,  ///< a page became present
  copied,     ///< copy-on-write made a private copy
  upgraded,   ///< the right to use a present page was added
  spurious,   ///< nothing was to do
};

}  // namespace rcuvm::mm
