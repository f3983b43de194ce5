// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Random calls.

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "bench/diff_kernel/call.hpp"

namespace rcuvm::diff_kernel {

/// Not covered yet:
///   mmap      alignment to huge pages, which an arena has no room for (a test of its own covers it); MAP_DROPPABLE, hugetlb
///   files     opened for reading only; other file systems than tmpfs
///   madvise   COLLAPSE; PAGEOUT with swap, or of what FREE gave up; pages that FREE gave up are not missed as long as nobody
///             needs memory
///   calls     prctl names where the kernel was built without CONFIG_ANON_VMA_NAME; mseal, userfaultfd, protection keys
///   limits    overcommit
///   views     Rss and Locked of files after a PAGEOUT; the other lines of smaps; huge pages, which a small arena has no room for

/// Draws calls whose ranges often begin or end where earlier ones did, so that mappings touch, are cut and merge, and some
/// calls that are wrong on purpose. Every effect stays inside the arena. The same seed gives the same calls everywhere.
class generator {
 public:
  generator(std::uint64_t seed, std::uint64_t arena_bytes);

  [[nodiscard]] call next();
  [[nodiscard]] std::vector<call> take(std::size_t count);

 private:
  /// A range of the arena in pages, never empty.
  struct pages {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };

  /// A number below `end`.
  [[nodiscard]] std::uint64_t draw(std::uint64_t end) { return engine_() % end; }
  [[nodiscard]] bool one_in(std::uint64_t times) { return draw(times) == 0; }
  [[nodiscard]] std::uint64_t draw_page();
  [[nodiscard]] std::uint64_t draw_count();
  [[nodiscard]] pages draw_pages();
  [[nodiscard]] std::uint32_t draw_protection();
  [[nodiscard]] call draw_map();
  [[nodiscard]] call draw_remap();
  [[nodiscard]] call draw_advice();
  [[nodiscard]] call draw_name();
  [[nodiscard]] call draw_brk();
  [[nodiscard]] call draw_limit();
  [[nodiscard]] call draw_truncate();
  [[nodiscard]] call draw_lock_all();
  /// Makes a call that is wrong, or on the edge of it.
  void spoil(call& one);
  void note_edges(const pages& of);

  std::mt19937_64 engine_;
  std::uint64_t arena_pages_;
  std::array<std::uint64_t, 8> edges_{};  ///< pages where recent ranges began or ended
  std::size_t next_edge_ = 0;
  bool has_locked_all_ = false;
  /// MADV_PAGEOUT is drawn, and MADV_FREE is not: whether the first takes what the second gave up is chance.
  bool pages_out_;
};

}  // namespace rcuvm::diff_kernel
