// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Any number of stores that become visible together, or not at all.
///
///   begin --store, erase--> building --commit--> published: readers see all of it
///                              |---abort, or the end of its life--> nothing has happened
///
/// Building  the first store below a node copies it and all above; later stores change the copies in place.
/// Failure   a store that returns ENOMEM has changed nothing, and the transaction goes on. Commit cannot
///           fail.
/// Records   a counted record belongs to the tree from the commit on that stores it; before, and after an
///           abort, to the caller.
///
/// Writers   one transaction of a tree at a time, within the write section it was begun in. Commit stands
///           outside read sections, since retiring may have to wait.
/// Readers   see the old version until commit, then the new one.
/// Ordering  see root.hpp (publication), sharing.hpp (what commit does to the old version).
/// Kernel    mas_store_gfp and friends publish each store; vms_gather_munmap_vmas/vms_complete_munmap_vmas is
///           the pattern.
/// Cost      store: O(log n), less where the one before was to the same leaf. Commit: a few ns for each node opened; 0 for none.

#include <cerrno>
#include <utility>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/error.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/tree/counted.hpp"
#include "rcuvm/tree/ledger.hpp"
#include "rcuvm/tree/root.hpp"
#include "rcuvm/tree/sharing.hpp"
#include "rcuvm/tree/store.hpp"
#include "rcuvm/tree/view.hpp"

namespace rcuvm::tree {

/// What a tree keeps for its writer.
struct writer_state {
  bool has_transaction = false;  ///< guard: writer. One has begun and not ended.
};

template <class T, class Layout>
class transaction {
 public:
  transaction(published_root<Layout>& place, reclaim::limbo& limbo, writer_state& writer) noexcept
      : place_{place}, limbo_{limbo}, writer_{writer}, root_{place.load_by_writer()} {
    RCUVM_CHECK(!writer_.has_transaction, "a tree has one transaction at a time");
    writer_.has_transaction = true;
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction() { abort(); }

  /// Stores `value` over the range, whatever was there; null erases. Entries that stick out keep their outer
  /// parts. EINVAL: the range is empty. ENOMEM: no memory, nothing has changed.
  [[nodiscard]] result<void> store(range where, T* value) noexcept {
    RCUVM_CHECK(is_building_, "store after the end of the transaction");
    if (where.is_empty()) return fail(EINVAL);
    if (!change_.run(where, as_slot(value), root_)) return fail(ENOMEM);
    return {};
  }
  /// Makes the range a gap. Errors as store().
  [[nodiscard]] result<void> erase(range where) noexcept { return store(where, nullptr); }

  /// The version as it would be if it were committed now. Until the next store.
  [[nodiscard]] view<T, Layout> read() const noexcept { return view<T, Layout>{root_}; }

  /// Publishes all stores at once, and ends the transaction. What they outdated goes to the tree's limbo.
  void commit() noexcept {
    reclaim::retire_list retired;
    commit(retired);
    if (!retired.is_empty()) limbo_.retire(std::move(retired));
  }

  /// The same; what they outdated is added to `retired`, and the caller frees it: after a grace period that
  /// began after this call, or at once if he knows that nobody reads.
  void commit(reclaim::retire_list& retired) noexcept {
    commit(retired, [] {});
  }

  /// The same, and calls on_published() between the publication and the first object in `retired`: the last
  /// moment at which the caller may still touch the records that he outdated.
  template <class F>
  void commit(reclaim::retire_list& retired, F on_published) noexcept {
    RCUVM_CHECK(is_building_, "commit after the end of the transaction");
    const link<Layout> old_root = place_.load_by_writer();
    if (root_ != old_root) {
      for (const link<Layout> node : book_.made) node.head().references.store_relaxed(1);
      for (void* record : book_.added) record_access::hold<T>(record);
      place_.publish(root_);
      on_published();
      sharing<T, Layout>::settle(book_, old_root, retired);
    }
    end();
  }

  /// Takes all stores back, and ends the transaction.
  void abort() noexcept {
    if (!is_building_) return;
    book_.roll_back({});
    end();
  }

 private:
  static void* as_slot(T* value) noexcept { return const_cast<std::remove_const_t<T>*>(value); }
  void end() noexcept {
    is_building_ = false;
    writer_.has_transaction = false;
  }

  published_root<Layout>& place_;
  reclaim::limbo& limbo_;
  writer_state& writer_;

  ledger<Layout> book_;
  range_store<Layout, record_access::is_counted<T>> change_{book_};
  link<Layout> root_;  ///< of the version that is being built
  bool is_building_ = true;
};

}  // namespace rcuvm::tree
