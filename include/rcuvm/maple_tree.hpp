// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A map from ranges of 64-bit numbers to records, read under RCU while it changes.
///
///   sync::rcu::registration reader{"example"};
///   maple_tree<const char> tree;
///   {
///     sync::write_section writing{lock};
///     auto change = tree.begin(writing);
///     if (!change.store({0x1000, 0x3000}, "code")) ...   // ENOMEM: nothing has happened
///     change.commit();
///   }
///   sync::rcu::read_section reading;
///   tree.find(reading, 0x2fff);                          // "code"
///
/// A B-tree whose published nodes never change: a writer copies the nodes on its way, and publishes the new
/// version by one store of the root. So each reader sees one version, whole; many changes appear at once; a
/// snapshot or a shared copy costs the same for any size; nothing is lost when memory runs out in the middle.
///
/// Protects   the records' reachability. Records are the caller's, unless they derive from tree::counted.
/// Writers    one at a time, whoever holds the write section (of any lock, always the same one for one tree).
/// Readers    any number, each in a read section. Progress: wait-free; no stores, locks, allocation, retries.
/// Ordering   tree/root.hpp.     Sharing: tree/sharing.hpp.
/// Kernel     struct maple_tree, with MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU.

#include <expected>
#include <iosfwd>
#include <string>
#include <utility>

#include "rcuvm/base/check.hpp"
#include "rcuvm/reclaim/limbo.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/rwsem.hpp"
#include "rcuvm/tree/counted.hpp"
#include "rcuvm/tree/layout.hpp"
#include "rcuvm/tree/root.hpp"
#include "rcuvm/tree/sharing.hpp"
#include "rcuvm/tree/snapshot.hpp"
#include "rcuvm/tree/transaction.hpp"
#include "rcuvm/tree/view.hpp"

namespace rcuvm {

/// Keys are half-open ranges in [0, 2^64-1). Each range has one record, T*; null is a gap. Neighbouring
/// ranges with the same record stay apart. Layout: how wide the nodes are; see tree/layout.hpp.
template <class T, class Layout = tree::default_layout>
class maple_tree {
 public:
  using entry = tree::entry<T>;
  using view = tree::view<T, Layout>;
  using snapshot = tree::snapshot<T, Layout>;
  using transaction = tree::transaction<T, Layout>;

  /// An empty tree. What it outdates is freed through `limbo`, which must outlive the tree, its shares and
  /// its snapshots.
  explicit maple_tree(reclaim::limbo& limbo = reclaim::limbo::process()) noexcept
      : limbo_{limbo}, root_{tree::link<Layout>{}} {}
  maple_tree(const maple_tree&) = delete;
  maple_tree& operator=(const maple_tree&) = delete;

  /// Nobody may start to read the tree any more. Who reads it still, in a section begun before, may go on.
  ~maple_tree() {
    RCUVM_CHECK(!writer_.has_transaction, "a transaction outlives its tree");
    snapshot last{root_.load_by_writer(), limbo_};  // gives the tree's own reference back
  }

  /// The current version. Valid until the section ends.
  [[nodiscard]] view read(const sync::rcu::read_section& reading) const noexcept {
    check_held(reading);
    return view{root_.load()};
  }
  /// The current version, for a reader that shuts the writer out. Valid until the section ends.
  [[nodiscard]] view read(const sync::shared_section& reading) const noexcept {
    check_held(reading);
    return view{root_.load()};
  }
  /// The current version, for the writer. Valid until he commits.
  [[nodiscard]] view read(const sync::write_section& writing) const noexcept {
    check_held(writing);
    return view{root_.load_by_writer()};
  }

  /// The record at `key`; null when it lies in a gap.
  [[nodiscard]] T* find(const sync::rcu::read_section& reading, std::uint64_t key) const noexcept {
    return read(reading).find(key);
  }

  /// The current version, to be kept beyond the section. Lock-free: never waits for a writer.
  [[nodiscard]] snapshot take_snapshot(const sync::rcu::read_section& reading) const noexcept {
    check_held(reading);
    return snapshot{root_.hold(), limbo_};
  }
  [[nodiscard]] snapshot take_snapshot(const sync::shared_section& reading) const noexcept {
    check_held(reading);
    return snapshot{root_.hold(), limbo_};
  }
  [[nodiscard]] snapshot take_snapshot(const sync::write_section& writing) const noexcept {
    check_held(writing);
    return snapshot{root_.hold_by_writer(), limbo_};
  }

  /// Starts a transaction, to be used within the write section. One at a time.
  [[nodiscard]] transaction begin(const sync::write_section& writing) noexcept {
    check_held(writing);
    return {root_, limbo_, writer_};
  }

  /// A tree with the same contents, which shares all nodes until one of the two changes. O(1). Has its own
  /// writer from then on.
  [[nodiscard]] maple_tree share(const sync::write_section& writing) const noexcept {
    check_held(writing);
    return maple_tree{root_.hold_by_writer(), limbo_};
  }

  /// Of the current version; see view.
  template <class Section>
  [[nodiscard]] std::expected<void, std::string> verify(const Section& section) const {
    return read(section).verify();
  }
  template <class Section>
  void dump(const Section& section, std::ostream& out) const {
    read(section).dump(out);
  }
  template <class Section>
  void dump_graphviz(const Section& section, std::ostream& out) const {
    read(section).dump_graphviz(out);
  }

 private:
  maple_tree(tree::link<Layout> held, reclaim::limbo& limbo) noexcept : limbo_{limbo}, root_{held} {}

  static void check_held([[maybe_unused]] const sync::rcu::read_section& section) noexcept {
    RCUVM_ASSERT(section.is_current(), "a tree read in a section that is another thread's");
  }
  static void check_held([[maybe_unused]] const sync::shared_section& section) noexcept {
    RCUVM_ASSERT(section.is_held(), "a tree read while its writer may free what is read");
  }
  static void check_held([[maybe_unused]] const sync::write_section& section) noexcept {
    RCUVM_ASSERT(section.is_held(), "a tree written while others may write");
  }

  reclaim::limbo& limbo_;
  tree::published_root<Layout> root_;        ///< guard: stored by the writer, atomic
  alignas(64) tree::writer_state writer_{};  ///< guard: writer. Not on the line that readers load.
};

}  // namespace rcuvm
