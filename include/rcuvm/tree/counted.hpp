// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Records that the tree keeps alive.
///
/// A record derived from counted<T> counts the slots, in live leaves, that name it: one per slot of the
/// current version, of snapshots and of trees that share it. The last slot to go retires the record: readers
/// of the old version may still be on it, so it is freed a grace period later.
///
/// Protects   the record's life, not its contents.
/// Writers    the count rises at commit only, through a leaf that already holds the record or by a store; so
///            it can't rise again once it is zero. A record that was stored but never committed was never
///            counted: the caller owns it.
/// Ordering   tree.D1-tree.D2: who drops the last reference sees all that other holders did to the record.
/// Kernel     vm_refcnt's base reference; here there are no readers' references.

#include <cstdint>
#include <type_traits>

#include "rcuvm/base/check.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"

namespace rcuvm::tree {

struct record_access;

/// Base of counted records. T may declare, in place of those here:
///   static void free_record(T* dead) noexcept        how to free it; default sync::memory::destroy
///   static std::uint32_t record_bytes(const T&)      what it weighs in limbo; default sizeof(T)
///   static void retire_record(T* dead, reclaim::retire_list&) noexcept      where it goes when no slot names it any more; default
///                                                    into the list
template <class T>
class counted {
 public:
  static void free_record(T* dead) noexcept { sync::memory::destroy(dead); }
  [[nodiscard]] static std::uint32_t record_bytes(const T&) noexcept { return sizeof(T); }
  static void retire_record(T* dead, reclaim::retire_list& retired) noexcept {
    retired.add({dead, [](void* object) noexcept { T::free_record(static_cast<T*>(object)); },
                 T::record_bytes(*dead)});
  }

  /// Slots that name the record now. For tests and diagnosis.
  [[nodiscard]] std::uint32_t tree_references() const noexcept { return tree_references_.load_relaxed(); }

 protected:
  counted() noexcept = default;
  counted(const counted&) noexcept {}  // a copy is another record
  counted& operator=(const counted&) noexcept { return *this; }
  ~counted() = default;

 private:
  friend struct record_access;
  sync::atomic<std::uint32_t> tree_references_{0};  ///< guard: atomic
};

/// What the tree does to records of type T: count and retire, or nothing.
struct record_access {
  template <class T>
  static constexpr bool is_counted =
      std::is_base_of_v<counted<std::remove_const_t<T>>, std::remove_const_t<T>>;

  template <class T>
  static void hold([[maybe_unused]] void* record) noexcept {
    if constexpr (is_counted<T>) base<T>(record).tree_references_.fetch_add_relaxed(1);
  }

  template <class T>
  static void drop([[maybe_unused]] void* record, [[maybe_unused]] reclaim::retire_list& retired) noexcept {
    if constexpr (is_counted<T>) {
      using plain = std::remove_const_t<T>;
      // tree.D1 -> tree.D2; tree.D2 <- tree.D1
      const std::uint32_t before = base<T>(record).tree_references_.fetch_sub_acq_rel(1);
      RCUVM_ASSERT(before != 0, "a record released more often than held");
      if (before != 1) return;
      plain::retire_record(static_cast<plain*>(record), retired);
    }
  }

 private:
  template <class T>
  static counted<std::remove_const_t<T>>& base(void* record) noexcept {
    return *static_cast<std::remove_const_t<T>*>(record);
  }
};

}  // namespace rcuvm::tree
