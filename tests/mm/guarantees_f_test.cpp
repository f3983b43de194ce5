// SPDX-License-Identifier: Apache-2.0

/// F1 to F3: what faults and accesses may see while a writer changes the same pages. Real threads; an access through a stale
/// translation ends the program (RCUVM_CHECK in access.hpp).

#include <gtest/gtest.h>

#include "tests/mm/crew.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class guarantees_f : public mm_test<Design> {
 protected:
  static constexpr std::int64_t count = 12;  // over the border of page tables
  using space_type = address_space<Design>;

  static map_request fixed(std::int64_t first, std::int64_t end) {
    return {.hint = page_at(first),
            .length = pages(first, end).size(),
            .protection = can_write,
            .flags = map_flag::fixed};
  }
};
TYPED_TEST_SUITE(guarantees_f, sound_designs, design_names);

// One thread maps, marks and unmaps; what it unmapped stays unreachable until it maps again. `mapped` is odd meanwhile.
TYPED_TEST(guarantees_f, F1_after_munmap_no_thread_reaches_the_frame) {
  auto p = this->make("");
  auto& space = p.space();
  crew all{this->world_};
  sync::atomic<std::uint64_t> unmapped{0};  // even: nothing is mapped, since munmap has returned
  all.add("unmapper", [&](vm::cpu& cpu, std::uint64_t round) {
    unmapped.fetch_add_acq_rel(1);
    ASSERT_TRUE(space.map(cpu, this->fixed(0, this->count)));
    for (std::int64_t page = 0; page < this->count; ++page)
      ASSERT_TRUE(store_number(space, cpu, page_at(page), 7));
    if (round % 2 == 0) sync::sleep_ns(50'000);  // the readers' turn
    ASSERT_TRUE(space.unmap(cpu, pages(0, this->count)));
    unmapped.fetch_add_acq_rel(1);
    sync::yield();
  });
  for (int reader = 0; reader < 2; ++reader) {
    all.add("reader", [&](vm::cpu& cpu, std::uint64_t round) {
      const address at = page_at(static_cast<std::int64_t>(round) % this->count);
      const std::uint64_t before = unmapped.load_acquire();
      const auto got = load_number(space, cpu, at);
      const bool stayed_unmapped = before % 2 == 0 && unmapped.load_acquire() == before;
      if (stayed_unmapped && got) all.saw_wrong();
      if (got && *got != 7 && *got != 0) all.saw_wrong();
      if (got) all.saw_right();
    });
  }
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
  EXPECT_GT(all.right(), 0U);
}

// MAP_FIXED over itself: each mapping starts with zeros, and its pages then get its own number, which only rises.
TYPED_TEST(guarantees_f, F2_new_mapping_never_shows_an_old_page) {
  auto p = this->make("");
  auto& space = p.space();
  ASSERT_EQ(p.map(0, this->count, 'A'), "ok");
  crew all{this->world_};
  sync::atomic<std::uint64_t> current{1};  // mappings before this one are gone
  all.add("mapper", [&](vm::cpu& cpu, std::uint64_t round) {
    ASSERT_TRUE(space.map(cpu, this->fixed(0, this->count)));
    const std::uint64_t mine = current.fetch_add_acq_rel(1) + 1;
    for (std::int64_t page = 0; page < this->count; ++page)
      ASSERT_TRUE(store_number(space, cpu, page_at(page), mine));
    if (round % 2 == 0) sync::sleep_ns(50'000);
  });
  for (int reader = 0; reader < 2; ++reader) {
    all.add("reader", [&](vm::cpu& cpu, std::uint64_t round) {
      const address at = page_at(static_cast<std::int64_t>(round * 5) % this->count);
      const std::uint64_t oldest = current.load_acquire();
      const auto got = load_number(space, cpu, at);
      if (got && *got != 0 && *got < oldest) all.saw_wrong();
      // Only a design that unmaps first may show a hole.
      if (!got && !TypeParam::leaves_tombstones) all.saw_wrong();
      if (got) all.saw_right();
    });
  }
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
  EXPECT_GT(all.right(), 0U);
}

// Writers fault pages in where a mapping comes and goes. When all is unmapped and the threads are still at it, no page may be
// left: neither a frame in use nor a PTE.
TYPED_TEST(guarantees_f, F3_fault_never_installs_for_a_dead_vma) {
  auto p = this->make("");
  auto& space = p.space();
  crew all{this->world_};
  all.add("mapper", [&](vm::cpu& cpu, std::uint64_t round) {
    ASSERT_TRUE(space.map(cpu, this->fixed(0, this->count)));
    if (round % 2 == 0) sync::sleep_ns(50'000);
    ASSERT_TRUE(space.unmap(cpu, pages(0, this->count)));
    // All tables but the root have gone with the mapping; one that a late fault linked would still be there.
    if (space.count_tables() > 1) all.saw_wrong();
  });
  for (int faulter = 0; faulter < 2; ++faulter) {
    all.add("faulter", [&](vm::cpu& cpu, std::uint64_t round) {
      if (space.fault(cpu, page_at(static_cast<std::int64_t>(round) % this->count), vm::access::write))
        all.saw_right();
    });
  }
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
  EXPECT_GT(all.right(), 0U);
  EXPECT_EQ(p.draw(), "");
  this->world_.machine.frames().drain(this->world_.cpu.stock);
  EXPECT_EQ(this->world_.machine.frames().in_use(), 0U);
}

// A write that succeeded was allowed: once mprotect to read-only has returned, the numbers stand still.
TYPED_TEST(guarantees_f, F3_fault_never_writes_with_the_right_of_a_dead_vma) {
  auto p = this->make("AAAA");
  auto& space = p.space();
  crew all{this->world_};
  all.add("protector", [&](vm::cpu& cpu, std::uint64_t round) {
    const address at = page_at(static_cast<std::int64_t>(round) % 4);
    ASSERT_TRUE(space.protect(cpu, {at, at + page_size}, can_read));
    const auto first = load_number(space, cpu, at);
    sync::yield();
    const auto second = load_number(space, cpu, at);
    if (!first || !second || *first != *second) all.saw_wrong();
    ASSERT_TRUE(space.protect(cpu, {at, at + page_size}, can_write));
  });
  for (std::uint64_t writer = 1; writer <= 2; ++writer) {
    all.add("writer", [&, writer](vm::cpu& cpu, std::uint64_t round) {
      const auto done =
          store_number(space, cpu, page_at(static_cast<std::int64_t>(round) % 4), round * 2 + writer);
      if (done) all.saw_right();
      if (!done && done.error().number() != EACCES) all.saw_wrong();
    });
  }
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
  EXPECT_GT(all.right(), 0U);
}

// A mapping moves to and fro with its data. Whoever reads it at either place sees a hole or the data, never zeros: the pages
// are all present, and the target may not be faulted in before they have arrived.
TYPED_TEST(guarantees_f, F2_a_move_takes_its_pages_along) {
  auto p = this->make("AAAA");
  auto& space = p.space();
  for (std::int64_t page = 0; page < 4; ++page) ASSERT_TRUE(store_number(space, p.cpu(), page_at(page), 100));
  crew all{this->world_};
  all.add("mover", [&](vm::cpu& cpu, std::uint64_t round) {
    const std::int64_t from = round % 2 == 0 ? 0 : 6;
    ASSERT_TRUE(space.remap(cpu, {.old_address = page_at(from),
                                  .old_length = 4 * page_size,
                                  .new_length = 4 * page_size,
                                  .flags = {remap_flag::may_move, remap_flag::fixed},
                                  .new_address = page_at(6 - from)}));
  });
  for (int reader = 0; reader < 2; ++reader) {
    all.add("reader", [&](vm::cpu& cpu, std::uint64_t round) {
      const auto got = load_number(space, cpu, page_at(static_cast<std::int64_t>(round) % 10));
      if (got && *got != 100) all.saw_wrong();
      if (got) all.saw_right();
    });
  }
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
  EXPECT_GT(all.right(), 0U);
}

// Pages are faulted in all the time while their mapping moves: none may be lost, and the move needs tables for all of them.
TYPED_TEST(guarantees_f, F3_faults_beside_a_move_lose_nothing) {
  auto p = this->make("");
  auto& space = p.space();
  crew all{this->world_};
  all.add("mover", [&](vm::cpu& cpu, std::uint64_t round) {
    ASSERT_TRUE(space.map(cpu, this->fixed(0, 4)));
    if (round % 2 == 0) sync::sleep_ns(50'000);
    ASSERT_TRUE(space.remap(cpu, {.old_address = page_at(0),
                                  .old_length = 4 * page_size,
                                  .new_length = 4 * page_size,
                                  .flags = {remap_flag::may_move, remap_flag::fixed},
                                  .new_address = page_at(9)}));  // behind the border of page tables
    ASSERT_TRUE(space.unmap(cpu, pages(9, 13)));
  });
  for (int writer = 0; writer < 2; ++writer) {
    all.add("writer", [&](vm::cpu& cpu, std::uint64_t round) {
      if (store_number(space, cpu, page_at(static_cast<std::int64_t>(round) % 4), 1)) all.saw_right();
    });
  }
  all.work();
  EXPECT_GT(all.right(), 0U);
}

// Threads write to one page while it is forked again and again. A write of one that still uses its old translation while the
// other one's fault copies the page would be lost here, and show up in the child.
TYPED_TEST(guarantees_f, F2_a_fork_loses_no_write_and_passes_on_no_later_one) {
  auto p = this->make("A");
  auto& space = p.space();
  crew all{this->world_};
  for (std::uint64_t writer = 0; writer < 2; ++writer) {
    const address mine = page_at(0) + writer * 64;
    all.add("writer", [&all, &space, mine, last = std::uint64_t{0}](vm::cpu& cpu, std::uint64_t) mutable {
      const auto got = load_number(space, cpu, mine);
      if (!got || *got != last) all.saw_wrong();
      if (!store_number(space, cpu, mine, ++last)) all.saw_wrong();
    });
  }
  all.add("forker", [&](vm::cpu& cpu, std::uint64_t) {
    const auto child = space.fork(cpu);
    ASSERT_NE(child, nullptr);
    const auto first = load_number(*child, cpu, page_at(0));
    sync::yield();
    const auto second = load_number(*child, cpu, page_at(0));
    if (!first || !second || *first != *second) all.saw_wrong();
    all.saw_right();
    child->exit(cpu);
  });
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
  EXPECT_GT(all.right(), 0U);
}

// Faults name a mapping's pages while mprotect replaces its record: the name must survive.
TYPED_TEST(guarantees_f, identity_given_by_a_fault_survives_a_change) {
  crew all{this->world_};
  auto p = this->make("");
  auto& space = p.space();
  sync::atomic<std::uint64_t> written{0};
  all.add("protector", [&](vm::cpu& cpu, std::uint64_t) {
    ASSERT_TRUE(space.map(cpu, this->fixed(0, 2)));
    const std::uint64_t before = written.load_acquire();
    for (int i = 0; i < 4; ++i)
      ASSERT_TRUE(space.protect(cpu, pages(0, 2), i % 2 == 0 ? can_all : can_write));
    const bool was_written = written.load_acquire() != before && *load_number(space, cpu, page_at(0)) != 0;
    space.walk_snapshot([&](const vm::vma& one) {
      if (was_written && one.anon() == 0) all.saw_wrong();
    });
    all.saw_right();
    ASSERT_TRUE(space.unmap(cpu, pages(0, 2)));
  });
  all.add("writer", [&](vm::cpu& cpu, std::uint64_t) {
    if (store_number(space, cpu, page_at(0), 5)) written.fetch_add_acq_rel(1);
  });
  all.work();
  EXPECT_EQ(all.wrong(), 0U);
}

}  // namespace
}  // namespace rcuvm::mm::testing
