// SPDX-License-Identifier: Apache-2.0

/// The kernel's maple tree behind table.h. Compiled by ./build at its user's wish, against a kernel source that the user
/// has installed; nothing of that source is part of rcuvm.
///
/// The kernel's own shims for user space (tools/testing/radix-tree) give RCU by liburcu, call_rcu included, and locks by
/// pthread. Its allocator shim is left out: see nodes.c.

#define module_init(x)
#define module_exit(x)
#define MODULE_AUTHOR(x)
#define MODULE_LICENSE(x)

#include "test.h"

#ifndef fallthrough  // the shims of 6.1 do not know it
#define fallthrough __attribute__((__fallthrough__))
#endif

#include <errno.h>
#include <stdlib.h>

#include "lib/maple_tree.c"

#include "table.h"

int test_verbose;
int kmalloc_verbose;
int preempt_count;

// --- readers ----------------------------------------------------------------------------------------------

static const void* find(void* tree, uint64_t key) { return mtree_load(tree, key); }

static uint64_t find_dependent(void* tree, const uint64_t* keys, size_t count) {
  uint64_t found = 0;
  for (size_t i = 0; i < count; ++i) found = (uint64_t)mtree_load(tree, keys[i] ^ (found >> 63));
  return found;
}

static uint64_t find_each(void* tree, const uint64_t* keys, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += (uint64_t)mtree_load(tree, keys[i]);
  return sum;
}

/// The section that mtree_load opens by itself is a nested one then: a load, an addition and a store.
static uint64_t find_all(void* tree, const uint64_t* keys, size_t count) {
  rcu_read_lock();
  const uint64_t sum = find_each(tree, keys, count);
  rcu_read_unlock();
  return sum;
}

static uint64_t walk(void* tree, size_t* count) {
  MA_STATE(mas, tree, 0, 0);
  void* entry;
  uint64_t sum = 0;
  size_t seen = 0;
  rcu_read_lock();
  mas_for_each(&mas, entry, ULONG_MAX) {
    sum += (uint64_t)entry + mas.index + mas.last + 1;
    ++seen;
  }
  rcu_read_unlock();
  *count += seen;
  return sum;
}

typedef int gap_search(struct ma_state* at, unsigned long min, unsigned long max, unsigned long size);

static inline uint64_t find_gaps(gap_search* search, void* tree, const struct rcuvm_kernel_gap_request* wanted,
                                 size_t count, uint64_t* starts) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    MA_STATE(mas, tree, 0, 0);
    rcu_read_lock();
    const int missing = search(&mas, wanted[i].start, wanted[i].end - 1, wanted[i].size);
    rcu_read_unlock();
    const uint64_t start = missing ? RCUVM_KERNEL_NO_GAP : mas.index;
    if (starts) starts[i] = start;
    sum += start;
  }
  return sum;
}

static uint64_t lowest_gaps(void* tree, const struct rcuvm_kernel_gap_request* wanted, size_t count,
                            uint64_t* starts) {
  return find_gaps(mas_empty_area, tree, wanted, count, starts);
}

static uint64_t highest_gaps(void* tree, const struct rcuvm_kernel_gap_request* wanted, size_t count,
                             uint64_t* starts) {
  return find_gaps(mas_empty_area_rev, tree, wanted, count, starts);
}

// --- writers ----------------------------------------------------------------------------------------------

static inline int store_one(struct maple_tree* tree, const struct rcuvm_kernel_record* record) {
  return -mtree_store_range(tree, record->start, record->end - 1, (void*)record, GFP_KERNEL);
}

static int store(void* tree, const struct rcuvm_kernel_record* const* records, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const int failed = store_one(tree, records[i]);
    if (failed) return failed;
  }
  return 0;
}

static int erase(void* tree, const struct rcuvm_kernel_record* const* records, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (mtree_erase(tree, records[i]->start) != records[i]) return ENOENT;
  }
  return 0;
}

static int replace(void* tree, const struct rcuvm_kernel_record* const* records, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (mtree_erase(tree, records[i]->start) != records[i]) return ENOENT;
    const int failed = store_one(tree, records[i]);
    if (failed) return failed;
  }
  return 0;
}

/// One change under a lock that is held already.
static inline int change_locked(struct maple_tree* tree, const struct rcuvm_kernel_record* where, void* entry) {
  MA_STATE(mas, tree, where->start, where->end - 1);
  return -mas_store_gfp(&mas, entry, GFP_KERNEL);
}

static int replace_together(void* tree, const struct rcuvm_kernel_record* const* records, size_t count) {
  int failed = 0;
  mtree_lock((struct maple_tree*)tree);
  for (size_t i = 0; i < count && !failed; ++i) failed = change_locked(tree, records[i], NULL);
  mtree_unlock((struct maple_tree*)tree);
  mtree_lock((struct maple_tree*)tree);
  for (size_t i = 0; i < count && !failed; ++i) failed = change_locked(tree, records[i], (void*)records[i]);
  mtree_unlock((struct maple_tree*)tree);
  return failed;
}

// --- the tree ---------------------------------------------------------------------------------------------

static void* make(void) {
  if (!maple_node_cache) maple_tree_init();
  struct maple_tree* tree = malloc(sizeof(*tree));
  if (tree) mt_init_flags(tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU);
  return tree;
}

static void drain(void) { rcu_barrier(); }

static void destroy(void* tree) {
  mtree_destroy(tree);
  drain();
  free(tree);
}

static size_t count_nodes(struct maple_tree* tree, struct maple_enode* at, unsigned long max) {
  if (mte_is_leaf(at)) return 1;
  const enum maple_type type = mte_node_type(at);
  struct maple_node* node = mte_to_node(at);
  const unsigned char end = ma_data_end(node, type, ma_pivots(node, type), max);
  size_t sum = 1;
  for (unsigned char slot = 0; slot <= end; ++slot) {
    const unsigned long below = slot == end ? max : ma_pivots(node, type)[slot];
    sum += count_nodes(tree, mt_slot_locked(tree, ma_slots(node, type), slot), below);
  }
  return sum;
}

static size_t bytes(void* tree) {
  struct maple_enode* root = rcu_dereference(((struct maple_tree*)tree)->ma_root);
  if (!xa_is_node(root)) return 0;
  return count_nodes(tree, root, ULONG_MAX) * sizeof(struct maple_node);
}

__attribute__((visibility("default"))) const struct rcuvm_kernel_maple rcuvm_kernel_maple = {
    .kernel = RCUVM_KERNEL_VERSION,
    .make = make,
    .destroy = destroy,
    .find = find,
    .find_dependent = find_dependent,
    .find_each = find_each,
    .find_all = find_all,
    .walk = walk,
    .lowest_gaps = lowest_gaps,
    .highest_gaps = highest_gaps,
    .store = store,
    .erase = erase,
    .replace = replace,
    .replace_together = replace_together,
    .drain = drain,
    .bytes = bytes,
};
