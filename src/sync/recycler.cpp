// SPDX-License-Identifier: Apache-2.0
#include "recycler.hpp"

#include <mutex>
#include <new>
#include <utility>

#include "rcuvm/sync/atomic.hpp"

namespace rcuvm::sync::memory::recycler {

constinit thread_local cache own_cache;

namespace {

constexpr std::size_t depot_bytes_limit = std::size_t{32} << 20U;

/// The full magazines of one size. A plain std::mutex: it is held for a few loads and stores, never over a wait.
struct alignas(64) depot {
  std::mutex lock;
  block* first_magazine = nullptr;  ///< guard: lock
  std::size_t magazines = 0;        ///< guard: lock
};

constinit std::array<depot, size_classes> depots;
constinit atomic<std::size_t> depot_bytes{0};  ///< of all depots, for the limit

void* allocate_block(std::size_t size_class) noexcept {
  return ::operator new(bytes_of(size_class), std::align_val_t{alignment_of(size_class)}, std::nothrow);
}

void free_block(void* object, std::size_t size_class) noexcept {
  ::operator delete(object, bytes_of(size_class), std::align_val_t{alignment_of(size_class)});
}

void free_blocks(magazine& dropped, std::size_t size_class) noexcept {
  while (dropped.first != nullptr) free_block(std::exchange(dropped.first, dropped.first->next), size_class);
  dropped.count = 0;
}

/// A full magazine, or an empty one when the depot has none.
magazine borrow(std::size_t size_class) noexcept {
  depot& from = depots[size_class];
  const std::lock_guard guard{from.lock};
  block* first = from.first_magazine;
  if (first == nullptr) return {};
  from.first_magazine = first->next_magazine;
  --from.magazines;
  depot_bytes.fetch_sub_relaxed(magazine_blocks(size_class) * bytes_of(size_class));
  return {first, magazine_blocks(size_class)};
}

/// Takes a full magazine; what the depot has no room for is freed.
void deposit(magazine full, std::size_t size_class) noexcept {
  const std::size_t bytes = full.count * bytes_of(size_class);
  if (depot_bytes.fetch_add_relaxed(bytes) + bytes > depot_bytes_limit) {
    depot_bytes.fetch_sub_relaxed(bytes);
    return free_blocks(full, size_class);
  }
  depot& into = depots[size_class];
  const std::lock_guard guard{into.lock};
  full.first->next_magazine = into.first_magazine;
  into.first_magazine = full.first;
  ++into.magazines;
}

/// Empties the thread's cache when the thread ends.
class cache_closer {
 public:
  void open(shelf& own, std::size_t size_class) noexcept { own.capacity = magazine_blocks(size_class); }

  ~cache_closer() {
    own_cache.is_closed = true;
    for (std::size_t size_class = 0; size_class != size_classes; ++size_class) {
      shelf& own = own_cache.shelves[size_class];
      own.capacity = 0;
      free_blocks(own.loaded, size_class);
      free_blocks(own.previous, size_class);
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

void* take_elsewhere(std::size_t size_class) noexcept {
  shelf& own = open_shelf(size_class);
  if (own.capacity == 0) return allocate_block(size_class);
  if (own.previous.count != 0) {
    std::swap(own.loaded, own.previous);
  } else {
    own.loaded = borrow(size_class);
  }
  return own.loaded.count == 0 ? allocate_block(size_class) : take(size_class);
}

void give_elsewhere(void* object, std::size_t size_class) noexcept {
  shelf& own = open_shelf(size_class);
  if (own.capacity == 0) return free_block(object, size_class);
  if (own.loaded.count == own.capacity) {
    if (own.previous.count != 0) deposit(std::exchange(own.previous, {}), size_class);
    std::swap(own.loaded, own.previous);
  }
  give(object, size_class);
}

std::size_t blocks_in_depot(std::size_t size_class) noexcept {
  const std::lock_guard guard{depots[size_class].lock};
  return depots[size_class].magazines * magazine_blocks(size_class);
}

}  // namespace rcuvm::sync::memory::recycler
