// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/tree/root.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/tree/ledger.hpp"
#include "rcuvm/tree/sharing.hpp"
#include "search.hpp"

namespace rcuvm::relacy {
namespace {

constexpr const char* source = "include/rcuvm/tree/root.hpp";
constexpr const char* sharing_source = "include/rcuvm/tree/sharing.hpp";

using enum weakening::how;  // the settling operations stand in several pairs: each half has its own twin

using layout = tree::small_layout;
using leaf = tree::leaf<layout>;
using link = tree::link<layout>;

/// What a leaf's only slot names. It stands for the whole version: Relacy does not see the node's own fields.
struct record {
  plain<std::uint32_t> contents;
};
using sharing = tree::sharing<record, layout>;

[[nodiscard]] link build(leaf& node, record& content, std::uint32_t value) {
  content.contents.write(value);
  node.slot[0] = &content;
  node.head.count = 1;
  node.head.references.store_relaxed(1);
  return {&node, 0};
}
[[nodiscard]] record& record_of(link root) { return *static_cast<record*>(root.as_leaf().slot[0]); }

/// Two versions are published one after the other; a reader descends.
struct publication : rl::test_suite<publication, 2> {
  aligned<leaf> nodes[2];
  record records[2];
  tree::published_root<layout> root{link::from_word(0)};

  void thread(unsigned index) {
    if (index == 0) {
      root.publish(build(*nodes[0], records[0], 1));
      root.publish(build(*nodes[1], records[1], 2));
    } else {
      const link found = root.load();
      if (!found.is_null()) promise(record_of(found).contents.read() != 0, "an empty version");
    }
  }
};

/// Version 0 is published. The writer commits version 1 and settles the old one, while others take snapshots, look at
/// them and release them. Who drops the last reference to the old version writes to its record, in place of the free that
/// a grace period later makes.
template <unsigned Readers, bool LooksAtRecords>
struct snapshots
    : rl::test_suite<snapshots<Readers, LooksAtRecords>, static_cast<rl::thread_id_t>(Readers + 1)> {
  leaf* nodes[2] = {sync::memory::make<leaf>(), sync::memory::make<leaf>()};
  record records[2];
  tree::published_root<layout> root{link::from_word(0)};
  std::array<reclaim::retire_list, Readers + 1> retired;  ///< guard: each a thread's

  void before() { root.publish(build(*nodes[0], records[0], 1)); }
  void thread(unsigned index) {
    if (index == 0)
      commit(retired[0]);
    else
      look_at_snapshot(retired[index]);
  }
  void after() {
    std::size_t dead = 0;
    for (reclaim::retire_list& each : retired) {
      dead += each.size();
      each.free_now();
    }
    promise(dead == 1, "the old version was retired twice or never");
    promise(nodes[1]->head.references.load_relaxed() == 1, "a reference to the new version is lost, or left");
    sync::memory::destroy(nodes[1]);
  }

  void commit(reclaim::retire_list& own) {
    tree::ledger<layout> book;
    const link old = root.load_by_writer();
    promise(book.opened.push(old), "no memory");
    root.publish(build(*nodes[1], records[1], 2));
    sharing::settle(book, old, own);
    clear_dead(own);
  }
  void look_at_snapshot(reclaim::retire_list& own) {
    const link held = root.hold();
    if (LooksAtRecords) promise(record_of(held).contents.read() != 0, "a snapshot of a dead version");
    sharing::release(held, own);
    clear_dead(own);
  }
  void clear_dead(const reclaim::retire_list& own) {
    if (LooksAtRecords && !own.is_empty()) records[0].contents.write(0);
  }
};
using looking = snapshots<1, true>;
/// Without the records, the pairs of a snapshot that comes too late stand alone: it may find the old root dead once, and
/// finds the new one then. It would go round for ever where nothing says so: a livelock.
using one_late = snapshots<1, false>;
using two_late = snapshots<2, false>;

TEST(root_test, a_reader_finds_a_version_built) { expect_holds<publication>(4); }
TEST(root_test, a_snapshot_is_of_a_living_version_and_the_last_one_retires_it) {
  expect_holds<looking>(4);
  expect_holds<snapshots<2, true>>(2);
}
TEST(root_test, a_snapshot_that_finds_the_old_version_dead_finds_the_new_one) {
  expect_holds<one_late>(4);
  expect_holds<two_late>(2);
}

TEST(root_test, without_W1) { expect_caught<publication>(source, "tree.W1"); }
TEST(root_test, without_R1) { expect_caught<publication>(source, "tree.R1"); }
TEST(root_test, without_W2) { expect_caught<one_late>(sharing_source, "tree.W2", without_release); }
TEST(root_test, without_R2) { expect_caught<one_late>(source, "tree.R2"); }
TEST(root_test, without_D1_before_R2) { expect_caught<two_late>(sharing_source, "tree.D1", without_release); }
TEST(root_test, without_D1_before_D2) { expect_caught<looking>(sharing_source, "tree.D1", without_release); }
TEST(root_test, without_D2) { expect_caught<looking>(sharing_source, "tree.D2", without_acquire); }
TEST(root_test, without_D3) { expect_caught<looking>(sharing_source, "tree.D3", without_acquire); }

TEST(root_test, each_ordering_has_a_twin_without_it) {
  expect_all_tags(source, {"tree.W1", "tree.R1", "tree.R2"});
  expect_all_tags(sharing_source, {"tree.W2", "tree.D1", "tree.D2", "tree.D3"});
}

}  // namespace
}  // namespace rcuvm::relacy
