// SPDX-License-Identifier: Apache-2.0

/// The allocator behind the kernel's maple tree in user space: kmem_cache as its nodes need it.
///
/// The kernel's shim takes a mutex for each node, overwrites each freed one, and asks malloc for aligned memory every
/// time. A real kernel does none of this, so the rival gets what SLUB would give it: lists of free nodes per thread, and
/// magazines of them that go between threads without a lock.
///
///   writer          loaded <-- full magazines <-- all that the others have given back, by one exchange
///   call_rcu thread loaded --> a full magazine --> given back, by one compare-and-swap
///
/// Threads, atomics and liburcu stand here by their own names, not behind rcuvm::sync: this is a stand-in for parts of
/// the kernel, compiled as C beside it, and never linked with rcuvm.
///
/// A node is 256 bytes at a multiple of that; free, it holds the next free one and, at the head of a magazine, the next
/// magazine. Nodes are never given back to the system.

#include <linux/slab.h>

#include <pthread.h>
#include <stdlib.h>
#include <urcu/uatomic.h>

enum { magazine_nodes = 64, chunk_bytes = 2 << 20 };

struct free_node {
  struct free_node* next;
  struct free_node* next_magazine;
};

struct kmem_cache {
  unsigned int size;
};

/// What a thread holds.
struct shelf {
  struct free_node* loaded;
  unsigned int loaded_nodes;
  struct free_node* full;
  char* chunk;
  size_t chunk_left;
  int is_known;
};

static __thread struct shelf shelf;
static struct free_node* given_back;
static pthread_key_t leaving;

static void give_back(struct free_node* magazine) {
  struct free_node* seen = uatomic_read(&given_back);
  while (1) {
    magazine->next_magazine = seen;
    struct free_node* before = uatomic_cmpxchg(&given_back, seen, magazine);
    if (before == seen) return;
    seen = before;
  }
}

/// At the end of a thread: what it holds goes to the others. The rest of its chunk is lost.
static void leave(void* held) {
  struct shelf* from = held;
  if (from->loaded) give_back(from->loaded);
  while (from->full) {
    struct free_node* magazine = from->full;
    from->full = magazine->next_magazine;
    give_back(magazine);
  }
}

static void refill(struct shelf* to) {
  if (!to->is_known) {
    to->is_known = 1;
    pthread_setspecific(leaving, to);
  }
  if (!to->full) to->full = uatomic_xchg(&given_back, NULL);
  if (!to->full) return;
  to->loaded = to->full;
  to->full = to->full->next_magazine;
  to->loaded_nodes = magazine_nodes;
}

static void* take_from_chunk(struct shelf* from, unsigned int size) {
  if (from->chunk_left < size) {
    from->chunk = aligned_alloc(chunk_bytes, chunk_bytes);
    if (!from->chunk) return NULL;
    from->chunk_left = chunk_bytes;
  }
  void* made = from->chunk;
  from->chunk += size;
  from->chunk_left -= size;
  return made;
}

static inline void* take(unsigned int size) {
  struct shelf* from = &shelf;
  if (!from->loaded) refill(from);
  struct free_node* node = from->loaded;
  if (!node) return take_from_chunk(from, size);
  from->loaded = node->next;
  if (from->loaded_nodes) --from->loaded_nodes;
  return node;
}

static inline void put(void* dead) {
  struct shelf* to = &shelf;
  if (to->loaded_nodes >= magazine_nodes) {
    to->loaded->next_magazine = to->full;
    to->full = to->loaded;
    to->loaded = NULL;
    to->loaded_nodes = 0;
    // One full magazine stays for the thread's own next allocations.
    if (to->full->next_magazine) {
      struct free_node* spare = to->full->next_magazine;
      to->full->next_magazine = spare->next_magazine;
      give_back(spare);
    }
  }
  struct free_node* node = dead;
  node->next = to->loaded;
  to->loaded = node;
  ++to->loaded_nodes;
}

struct kmem_cache* kmem_cache_create(const char* name, unsigned int size, unsigned int align, unsigned int flags,
                                     void (*ctor)(void*)) {
  (void)name, (void)align, (void)flags, (void)ctor;
  struct kmem_cache* made = malloc(sizeof(*made));
  if (!made || pthread_key_create(&leaving, leave) != 0) abort();
  made->size = size;
  return made;
}

void* kmem_cache_alloc_lru(struct kmem_cache* cache, struct list_lru* lru, int flags) {
  (void)lru;
  void* made = take(cache->size);
  if (made && (flags & __GFP_ZERO)) __builtin_memset(made, 0, cache->size);
  return made;
}

int kmem_cache_alloc_bulk(struct kmem_cache* cache, gfp_t flags, size_t count, void** into) {
  for (size_t i = 0; i < count; ++i) {
    into[i] = kmem_cache_alloc_lru(cache, NULL, (int)flags);
    if (!into[i]) return (int)i;
  }
  return (int)count;
}

void kmem_cache_free(struct kmem_cache* cache, void* dead) {
  (void)cache;
  put(dead);
}

void kmem_cache_free_bulk(struct kmem_cache* cache, size_t count, void** dead) {
  (void)cache;
  for (size_t i = 0; i < count; ++i) put(dead[i]);
}
