// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Keeps freed blocks for the next allocation: what writers allocate, the reclaimer's thread frees, and general-purpose
/// allocators are slow at exactly that.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "rcuvm/sync/tsan.hpp"

// The sanitizers and the checked library must see each block's own life.
#if defined(RCUVM_CHECKED) || defined(RCUVM_TSAN) || defined(__SANITIZE_ADDRESS__)
#define RCUVM_NO_RECYCLING
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define RCUVM_NO_RECYCLING
#endif
#endif

namespace rcuvm::sync::memory::recycler {

///   thread A (writer)            depot, per size              thread B (reclaimer)
///   loaded   [b b b b]  <------  [full magazine]   <------    loaded   [b b]
///   previous [ ]        ------>  [empty magazine]  ------>    previous [b b b b]
///      take: pop                    one lock per                 give: push
///                                   magazine
///
/// Protects   nothing: a block has one owner, a thread, a magazine in a thread's cache, or the depot.
/// Progress   take and give touch their thread's cache alone, but for one in 18 KiB of blocks.
/// Ordering   the depot's mutex hands magazines over.
/// Bound      a thread keeps two magazines (up to 36 KiB) per size, the depot 32 MiB in all; the rest goes to the slabs.
/// Source     Bonwick and Adams, Magazines and Vmem, USENIX 2001: two magazines, so that a thread that allocates and
///            frees in turn at a magazine's end stays away from the depot. A magazine is an array of addresses: a block
///            that is given and taken is never written to, so it stays in the cache of the core that will use it; and an
///            object may stay one meanwhile (Bonwick, The Slab Allocator, USENIX 1994), on the shelf of kept ones.
/// Cost       two to three ns.

inline constexpr std::size_t fine_step = 64;
inline constexpr std::size_t fine_end = 1024;
inline constexpr std::size_t coarse_step = 512;
inline constexpr std::size_t largest = 4608;  // a page table with its lock
inline constexpr std::size_t size_classes = fine_end / fine_step + (largest - fine_end) / coarse_step;
/// A shelf for objects of the largest class, which are kept as they are. It is never filled from the slabs.
inline constexpr std::size_t kept = size_classes;
inline constexpr std::size_t shelves = size_classes + 1;
inline constexpr std::size_t magazine_bytes = std::size_t{18} << 10U;
inline constexpr std::size_t kept_bytes = std::size_t{72} << 10U;  // few of their lines are touched
inline constexpr std::uint32_t most_rounds = 62;

/// Not for 0 bytes or more than `largest`.
[[nodiscard]] constexpr std::size_t class_of(std::size_t bytes) noexcept {
  if (bytes <= fine_end) return (bytes - 1) / fine_step;
  return fine_end / fine_step + (bytes - fine_end - 1) / coarse_step;
}

[[nodiscard]] constexpr std::size_t bytes_of(std::size_t size_class) noexcept {
  constexpr std::size_t fine_classes = fine_end / fine_step;
  if (size_class == kept) return largest;
  if (size_class < fine_classes) return (size_class + 1) * fine_step;
  return fine_end + (size_class - fine_classes + 1) * coarse_step;
}

/// What each block of the class is aligned to: the largest power of two in its size, fine_step at least.
[[nodiscard]] constexpr std::size_t alignment_of(std::size_t size_class) noexcept {
  return std::size_t{1} << static_cast<unsigned>(std::countr_zero(bytes_of(size_class)));
}

[[nodiscard]] constexpr std::uint32_t magazine_blocks(std::size_t size_class) noexcept {
  const std::size_t blocks = (size_class == kept ? kept_bytes : magazine_bytes) / bytes_of(size_class);
  return static_cast<std::uint32_t>(blocks < most_rounds ? blocks : most_rounds);
}

/// Whether blocks of this size and alignment are kept at all.
[[nodiscard]] constexpr bool serves(std::size_t bytes, std::size_t alignment) noexcept {
#ifdef RCUVM_NO_RECYCLING
  return false && bytes == alignment;
#else
  return bytes - 1 < largest && (alignment <= fine_step || alignment <= alignment_of(class_of(bytes)));
#endif
}

struct magazine {
  magazine* next = nullptr;  ///< in the depot
  std::uint32_t count = 0;
  void* round[most_rounds]{};
};

/// Stands where a shelf has no magazine. Never changed.
extern constinit magazine no_magazine;

/// One thread's magazines of one size.
struct shelf {
  magazine* loaded = &no_magazine;
  magazine* previous = &no_magazine;  ///< empty or full
  std::uint32_t capacity =
      0;  ///< of a magazine; 0 while the thread keeps nothing (before its first, after its last)
};

struct cache {
  std::array<shelf, recycler::shelves> shelves;
  bool is_closed = false;  ///< the thread is ending: what its last destructors free goes past the cache
};

extern constinit thread_local cache own_cache;

[[nodiscard]] void* take_elsewhere(std::size_t size_class) noexcept;
void give_elsewhere(void* object, std::size_t size_class) noexcept;

/// A block of the class, or nullptr when there is no memory.
[[nodiscard]] inline void* take(std::size_t size_class) noexcept {
  magazine& loaded = *own_cache.shelves[size_class].loaded;
  if (loaded.count == 0) return take_elsewhere(size_class);
  void* taken = loaded.round[--loaded.count];
  // What will be taken next may have been out for a while: it comes back into this core's cache by the time.
  if (loaded.count != 0) {
    const char* line = static_cast<const char*>(loaded.round[loaded.count - 1]);
    const char* const end = line + bytes_of(size_class);
    for (; line != end; line += fine_step) __builtin_prefetch(line, 1);
  }
  return taken;
}

[[nodiscard]] void* take_kept_elsewhere(std::size_t bytes) noexcept;

/// What give(object, kept) has got, an object of `bytes` bytes, as it was; null when there is none.
[[nodiscard]] inline void* take_kept(std::size_t bytes) noexcept {
  magazine& loaded = *own_cache.shelves[kept].loaded;
  if (loaded.count == 0) return take_kept_elsewhere(bytes);
  void* const taken = loaded.round[--loaded.count];
  if (loaded.count != 0)
    __builtin_prefetch(static_cast<const char*>(loaded.round[loaded.count - 1]) + bytes - 1, 1);
  return taken;
}

inline void give(void* object, std::size_t size_class) noexcept {
  const shelf& own = own_cache.shelves[size_class];
  if (own.loaded == &no_magazine || own.loaded->count == own.capacity)
    return give_elsewhere(object, size_class);
  own.loaded->round[own.loaded->count++] = object;
}

/// Blocks that the depot holds. For tests.
[[nodiscard]] std::size_t blocks_in_depot(std::size_t size_class) noexcept;

}  // namespace rcuvm::sync::memory::recycler
