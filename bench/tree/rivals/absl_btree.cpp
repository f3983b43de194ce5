// SPDX-License-Identifier: Apache-2.0
#include <absl/container/btree_map.h>
#include <absl/synchronization/mutex.h>

#include <functional>

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/locked_map.hpp"

namespace rcuvm::tree_bench {

namespace {

/// Abseil's guards take a pointer.
class absl_shared_guard {
 public:
  explicit absl_shared_guard(absl::Mutex& lock) : guard_{&lock} {}

 private:
  absl::ReaderMutexLock guard_;
};
class absl_exclusive_guard {
 public:
  explicit absl_exclusive_guard(absl::Mutex& lock) : guard_{&lock} {}

 private:
  absl::WriterMutexLock guard_;
};

struct absl_btree_policy {
  static constexpr std::string_view name = "absl_btree";
  static constexpr std::string_view what = "absl::btree_map behind an absl::Mutex";
  using map = absl::btree_map<std::uint64_t, place, std::less<>,
                              counting_allocator<std::pair<const std::uint64_t, place>>>;
  using lock = absl::Mutex;
  using shared_guard = absl_shared_guard;
  using exclusive_guard = absl_exclusive_guard;
};

}  // namespace

rival_entry absl_btree_entry() { return entry_of<locked_map<absl_btree_policy>>(); }

}  // namespace rcuvm::tree_bench
