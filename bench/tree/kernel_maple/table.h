// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What rcuvm-bench-tree calls in the kernel's maple tree, once that is built as a shared object (./build).
///
/// Each function runs a whole loop, so that no lookup and no store goes through a pointer or a wrapper. Read sections
/// are liburcu's, flavour memb, inlined. Readers must be registered with liburcu-memb.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A record as the benchmarks know it: [start, end), and nothing else.
struct rcuvm_kernel_record {
  uint64_t start;
  uint64_t end;
};

/// A search for room: `size` free keys inside [start, end).
struct rcuvm_kernel_gap_request {
  uint64_t size;
  uint64_t start;
  uint64_t end;
};

/// What gap searches answer when there is no room.
#define RCUVM_KERNEL_NO_GAP UINT64_MAX

struct rcuvm_kernel_maple {
  const char* kernel;  ///< "Linux 6.1"

  void* (*make)(void);  ///< an empty tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU; NULL: no memory
  void (*destroy)(void* tree);

  // Readers. Each returns a sum over the records found, which keeps the loop from being optimized away.

  const void* (*find)(void* tree, uint64_t key);
  /// mtree_load; each key is changed by the top bit of the address found before, which is 0.
  uint64_t (*find_dependent)(void* tree, const uint64_t* keys, size_t count);
  /// mtree_load, with its read section.
  uint64_t (*find_each)(void* tree, const uint64_t* keys, size_t count);
  /// mtree_load, inside one read section: its own is nested.
  uint64_t (*find_all)(void* tree, const uint64_t* keys, size_t count);
  /// mas_for_each over everything; the number of records is added to *count.
  uint64_t (*walk)(void* tree, size_t* count);
  /// mas_empty_area, mas_empty_area_rev: the sum of the starts; starts[i], unless NULL, is each of them.
  uint64_t (*lowest_gaps)(void* tree, const struct rcuvm_kernel_gap_request* wanted, size_t count, uint64_t* starts);
  uint64_t (*highest_gaps)(void* tree, const struct rcuvm_kernel_gap_request* wanted, size_t count, uint64_t* starts);

  // Writers, one at a time. Each returns 0 or an errno.

  /// mtree_store_range of each, in this order.
  int (*store)(void* tree, const struct rcuvm_kernel_record* const* records, size_t count);
  /// mtree_erase of each, in this order.
  int (*erase)(void* tree, const struct rcuvm_kernel_record* const* records, size_t count);
  /// mtree_erase, then mtree_store_range, of each.
  int (*replace)(void* tree, const struct rcuvm_kernel_record* const* records, size_t count);
  /// Erases all, then stores all, each round under one hold of the lock. Readers see every single change.
  int (*replace_together)(void* tree, const struct rcuvm_kernel_record* const* records, size_t count);

  /// Until what was unlinked has been freed.
  void (*drain)(void);
  /// Of the tree's nodes, each 256. No writer may be at work.
  size_t (*bytes)(void* tree);
};

/// The shared object's only symbol.
#define RCUVM_KERNEL_MAPLE_SYMBOL "rcuvm_kernel_maple"

#ifdef __cplusplus
}
#endif
