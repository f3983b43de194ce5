// SPDX-License-Identifier: Apache-2.0
#include "recycler.hpp"

#include <functional>
#include <mutex>
#include <new>
#include <utility>

#include "rcuvm/sync/atomic.hpp"
#include "slabs.hpp"

namespace rcuvm::sync::memory::recycler {

constinit magazine no_magazine;
constinit thread_local cache own_cache;

namespace {

constexpr std::size_t depot_bytes_limit = std::size_t{32} << 20U;

/// The magazines of one size that no thread has. A plain std::mutex: it is held for a few loads and stores, never
/// over a wait.
struct alignas(64) depot {
  std::mutex lock;
  magazine* full = nullptr;        ///< guard: lock
  magazine* empty = nullptr;       ///< guard: lock
  std::size_t full_magazines = 0;  ///< guard: lock
};

void push(magazine*& list, magazine* added) noexcept { added->next = std::exchange(list, added); }
[[nodiscard]] magazine* pop(magazine*& list) noexcept {
  return list == nullptr ? nullptr : std::exchange(list, list->next);
}

constinit std::array<depot, shelves> depots;
constinit atomic<std::size_t> depot_bytes{0};  ///< of all depots, for the limit

template <std::size_t... SizeClass>
constexpr std::array<slab_list, size_classes> make_lists(std::index_sequence<SizeClass...>) noexcept {
  return {slab_list{bytes_of(SizeClass), alignment_of(SizeClass)}...};
}
constinit std::array<slab_list, size_classes> blocks = make_lists(std::make_index_sequence<size_classes>{});

void* allocate_block(std::size_t size_class) noexcept { return blocks[size_class].take(); }

/// A kept object ends with its memory: its destructor does nothing.
void free_block(void* object, std::size_t size_class) noexcept {
  blocks[size_class == kept ? class_of(largest) : size_class].give(object);
}

void free_blocks(magazine& dropped, std::size_t size_class) noexcept {
  while (dropped.count != 0) free_block(dropped.round[--dropped.count], size_class);
}

/// A full magazine for an empty one (or none); nullptr, and the caller keeps his, when the depot has no full one.
[[nodiscard]] magazine* full_for(magazine* empty, std::size_t size_class) noexcept {
  depot& from = depots[size_class];
  const std::lock_guard guard{from.lock};
  magazine* full = pop(from.full);
  if (full == nullptr) return nullptr;
  if (empty != &no_magazine) push(from.empty, empty);
  --from.full_magazines;
  depot_bytes.fetch_sub_relaxed(magazine_blocks(size_class) * bytes_of(size_class));
  return full;
}

/// An empty magazine for a full one (or none); nullptr when there is no memory, but the full one is taken over all the
/// same. What the depot has no room for is freed.
[[nodiscard]] magazine* empty_for(magazine* full, std::size_t size_class) noexcept {
  const bool has_full = full != &no_magazine;
  const std::size_t bytes = has_full ? full->count * bytes_of(size_class) : 0;
  if (has_full && depot_bytes.fetch_add_relaxed(bytes) + bytes > depot_bytes_limit) {
    depot_bytes.fetch_sub_relaxed(bytes);
    free_blocks(*full, size_class);
    return full;
  }
  depot& into = depots[size_class];
  {
    const std::lock_guard guard{into.lock};
    if (has_full) {
      push(into.full, full);
      ++into.full_magazines;
    }
    if (magazine* empty = pop(into.empty)) return empty;
  }
  return new (std::nothrow) magazine;
}

/// Empties the thread's cache when the thread ends.
class cache_closer {
 public:
  void open(shelf& own, std::size_t size_class) noexcept { own.capacity = magazine_blocks(size_class); }

  ~cache_closer() {
    own_cache.is_closed = true;
    for (std::size_t size_class = 0; size_class != shelves; ++size_class) {
      shelf& own = own_cache.shelves[size_class];
      own.capacity = 0;
      for (magazine*& each : {std::ref(own.loaded), std::ref(own.previous)}) {
        if (each == &no_magazine) continue;
        free_blocks(*each, size_class);
        delete std::exchange(each, &no_magazine);
      }
    }
  }
};

/// The shelf, opened on its first use; its capacity stays 0 when the thread is ending.
shelf& open_shelf(std::size_t size_class) noexcept {
  thread_local cache_closer closer;  // its construction is what makes its destructor run
  shelf& own = own_cache.shelves[size_class];
  if (own.capacity == 0 && !own_cache.is_closed) closer.open(own, size_class);
  return own;
}

}  // namespace

namespace {

/// False: neither the thread nor the depot has one.
[[nodiscard]] bool load(std::size_t size_class) noexcept {
  shelf& own = open_shelf(size_class);
  if (own.capacity == 0) return false;
  if (own.previous->count != 0) {
    std::swap(own.loaded, own.previous);
  } else if (magazine* full = full_for(own.loaded, size_class)) {
    own.loaded = full;
  }
  return own.loaded->count != 0;
}

}  // namespace

void* take_elsewhere(std::size_t size_class) noexcept {
  return load(size_class) ? take(size_class) : allocate_block(size_class);
}

void* take_kept_elsewhere(std::size_t bytes) noexcept { return load(kept) ? take_kept(bytes) : nullptr; }

void give_elsewhere(void* object, std::size_t size_class) noexcept {
  shelf& own = open_shelf(size_class);
  if (own.capacity == 0) return free_block(object, size_class);
  if (own.loaded == &no_magazine || own.loaded->count == own.capacity) {
    if (own.previous == &no_magazine || own.previous->count != 0) {
      magazine* empty = empty_for(std::exchange(own.previous, &no_magazine), size_class);
      if (empty == nullptr) return free_block(object, size_class);
      own.previous = empty;
    }
    std::swap(own.loaded, own.previous);
  }
  give(object, size_class);
}

std::size_t blocks_in_depot(std::size_t size_class) noexcept {
  const std::lock_guard guard{depots[size_class].lock};
  return depots[size_class].full_magazines * magazine_blocks(size_class);
}

}  // namespace rcuvm::sync::memory::recycler
