// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where calls take place: a free range of addresses, and files to be mapped.

#include <sys/prctl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/diff_kernel/descriptor.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/vm/file.hpp"

namespace rcuvm::diff_kernel {

/// An arena is at most that long, and holds no whole huge page: the fault of one names its anonymous pages earlier than
/// small ones do, and whether the kernel finds a huge page depends on everybody's memory.
inline constexpr std::uint64_t huge_page = 2U << 20;
inline constexpr std::uint64_t largest_arena = huge_page;

/// The kernel's as it starts; only debugfs tells another one.
inline constexpr std::uint64_t fault_around = 16 * page_size;

/// Bytes of the files that are mapped; the second one ends within a page.
inline constexpr std::array<std::uint64_t, 2> file_sizes{12 * page_size, 5 * page_size + 100};

/// A child may make so many bytes of its own resident, beside its arena.
inline constexpr std::uint64_t most_locked = 1U << 30;

struct stage {
  range arena;
  std::optional<prctl_mm_map> with_heap =
      {};                            ///< for PR_SET_MM_MAP: the heap lies in the arena. Null: it may not
  std::uint64_t lock_limit = 0;      ///< bytes that a child may lock from the beginning; all bits: no limit
  bool is_bottom_up = false;         ///< does the kernel look for room from below? As with `setarch -L`
  bool has_huge_pages = false;       ///< does it align large mappings to them?
  std::uint64_t most_mappings = 0;   ///< vm.max_map_count
  bool has_names = false;            ///< may anonymous memory have names?
  bool has_swap = false;             ///< then pages may be paged out
  bool has_protection_keys = false;  ///< then what may only be executed cannot be read
  std::uint64_t accessible = 0;      ///< bytes of this process that a child would lock beside its arena

  /// Can all of the arena be locked?
  [[nodiscard]] constexpr bool may_lock() const noexcept { return lock_limit >= arena.size(); }
  /// Can a child lock all that it has? Each page of it takes memory then: under a sanitizer that would be terabytes.
  [[nodiscard]] constexpr bool may_lock_all() const noexcept {
    return lock_limit == ~std::uint64_t{0} && accessible <= most_locked;
  }
  /// Where the heap begins: in the middle, within a page.
  [[nodiscard]] constexpr address first_break() const noexcept {
    return arena.start + arena.size() / 2 + 0x123;
  }
  [[nodiscard]] constexpr range fence_below() const noexcept {
    return {arena.start - page_size, arena.start};
  }
  [[nodiscard]] constexpr range fence_above() const noexcept { return {arena.end, arena.end + page_size}; }
};

/// A free range of this process, which a child has, too. The page below it and the one above are free as well: fences go
/// there. Below everything else if there is room, so that its lines stand first in /proc/PID/maps. Throws std::runtime_error when
/// there is no such range.
[[nodiscard]] stage find_stage(std::uint64_t arena_bytes);

/// "Linux 6.18.44".
[[nodiscard]] std::string kernel_name();

/// The model follows Linux since 6.17: before, mremap moved one mapping at a time, and merging had other rules in places.
inline constexpr std::string_view model_follows = "Linux since 6.17";
[[nodiscard]] bool is_kernel_followed();

/// New files of zeros, without a name in any folder: one run's. The same file for a child of this process and for the
/// model.
class scene_files {
 public:
  /// Throws std::system_error.
  scene_files();

  [[nodiscard]] int descriptor_of(std::size_t index) const noexcept { return files_[index].get(); }
  /// What /proc/PID/maps will tell of each.
  [[nodiscard]] std::vector<vm::file_identity> identities() const;

 private:
  std::array<descriptor, file_sizes.size()> files_;
};

}  // namespace rcuvm::diff_kernel
