// SPDX-License-Identifier: Apache-2.0

/// M1, M2 and P1: what is retired is freed once; limbo has a bound; the RCU read path takes no lock and no memory.

#include <gtest/gtest.h>

#include "rcuvm/sync/memory.hpp"
#include "tests/mm/crew.hpp"
#include "tests/sync/eventually.hpp"

namespace rcuvm::mm::testing {
namespace {

using tests::eventually;

template <class Design>
inline constexpr bool reads_under_rcu =
    !std::is_same_v<typename Design::read_guard, designs::semaphore_read_guard>;

/// One count for all mappings: a fault waits for any writer.
template <class Design>
inline constexpr bool faults_wait_for_all = std::is_same_v<Design, designs::mm_seq>;

template <class Design>
class guarantees_m : public mm_test<Design> {
 protected:
  static map_request fixed(std::int64_t first, std::int64_t end) {
    return {.hint = page_at(first),
            .length = pages(first, end).size(),
            .protection = can_write,
            .flags = map_flag::fixed};
  }
};
TYPED_TEST_SUITE(guarantees_m, all_designs, design_names);

// Everything at once: calls of all kinds, faults, forks and walks. TearDown then finds nothing left and nothing freed twice
// (AddressSanitizer sees a second free; the sums of limbo see a forgotten one).
TYPED_TEST(guarantees_m, M1_retired_once_freed_once) {
  auto p = this->make("");
  auto& space = p.space();
  crew all{this->world_};
  for (std::int64_t writer = 0; writer < 2; ++writer) {
    all.add("writer", [&, writer](vm::cpu& cpu, std::uint64_t round) {
      const std::int64_t first = writer * 3 + static_cast<std::int64_t>(round % 4);
      std::ignore = space.map(cpu, this->fixed(first, first + 6));
      std::ignore = store_number(space, cpu, page_at(first + 1), round);
      std::ignore = space.protect(cpu, pages(first + 2, first + 4), can_read);
      std::ignore = space.remap(cpu, {.old_address = page_at(first),
                                      .old_length = page_size,
                                      .new_length = 2 * page_size,
                                      .flags = {remap_flag::may_move, remap_flag::fixed},
                                      .new_address = page_at(20 + writer)});
      std::ignore = space.advise(cpu, pages(first, first + 3), MADV_DONTNEED);
      std::ignore = space.unmap(cpu, pages(first + 1, first + 5));
      if (round % 8 == 0) {
        if (const auto child = space.fork(cpu)) child->exit(cpu);
      }
    });
  }
  all.add("reader", [&](vm::cpu& cpu, std::uint64_t round) {
    std::ignore = load_number(space, cpu, page_at(static_cast<std::int64_t>(round % 24)));
    space.walk_snapshot([](const vm::vma&) {});
    space.walk_chunked(2, [](const vm::vma&) {});
    all.saw_right();
  });
  all.work(2 * crew_ns);
  EXPECT_TRUE(space.verify());
}

// A reader stays in its section while a writer maps and unmaps. Limbo grows to its limit; then the writer waits, and says why;
// when the reader leaves, it goes on.
TYPED_TEST(guarantees_m, M2_limbo_is_bounded) {
  constexpr std::uint64_t limit = 256 << 10;
  if (!TypeParam::leaves_tombstones && TypeParam::name != designs::replace::name)
    return;  // these do not use limbo to unmap
  world bounded{{.frames = 1024,
                 .backing = vm::frame_pool::backing::counted,
                 .limbo = {.bytes = limit, .diagnose_after_ns = 10'000'000}}};
  std::string heard;
  sync::mutex lock;
  bounded.machine.limbo().on_diagnosis([&](const std::string& text) {
    const sync::mutex_guard held{lock};
    heard = text;
  });
  {
    process<TypeParam> p{bounded};
    sync::atomic<std::uint32_t> is_inside{0};
    sync::atomic<std::uint32_t> may_leave{0};
    sync::atomic<std::uint64_t> calls{0};
    sync::thread reader{"stuck", [&] {
                          const sync::rcu::read_section stuck;
                          is_inside.store_release(1);
                          while (may_leave.load_acquire() == 0) sync::sleep_ns(1'000'000);
                        }};
    ASSERT_TRUE(eventually([&] { return is_inside.load_acquire() == 1; }));
    sync::thread writer{"writer", [&] {
                          vm::cpu cpu{bounded.machine};
                          for (std::int64_t i = 0; i < 1500; ++i) {
                            const std::int64_t page =
                                i % 2 == 0 ? i : 100'000 - i;  // no address twice: no dead entry in the way
                            EXPECT_TRUE(p.space().map(cpu, this->fixed(page, page + 1)));
                            EXPECT_TRUE(p.space().fault(cpu, page_at(page), vm::access::write));
                            EXPECT_TRUE(p.space().unmap(cpu, pages(page, page + 1)));
                            calls.fetch_add_acq_rel(1);
                          }
                        }};
    const auto& limbo = bounded.machine.limbo();
    EXPECT_TRUE(eventually([&] { return limbo.read_statistics().throttled > 0; }));
    EXPECT_TRUE(eventually([&] {
      const sync::mutex_guard held{lock};
      return heard.find("stuck") != std::string::npos;  // it names who is to blame
    }));
    const std::uint64_t stopped_at = calls.load_acquire();
    EXPECT_LT(stopped_at, 1500U);
    sync::sleep_ns(tests::a_while_ns);
    EXPECT_LE(calls.load_acquire(), stopped_at + 1);
    // The limit and what one call may add: its nodes, records and a table of each level.
    EXPECT_LT(limbo.read_statistics().high_water_bytes, limit + (64 << 10));
    may_leave.store_release(1);
    writer.join();
    EXPECT_EQ(calls.load_acquire(), 1500U);
  }
  EXPECT_EQ(bounded.leaks(), "");
}

// The tree's look-up and a walk in chunks, with no memory to be had.
TYPED_TEST(guarantees_m, P1_reading_allocates_nothing) {
  auto p = this->make("AABB.cd45SS|SS");
  EXPECT_EQ(p.text(), "0000.00000000");
  std::size_t seen = 0;
  {
    const sync::memory::failing_allocations failing{1, sync::memory::failing_allocations::how::for_good};
    p.space().walk_chunked(2, [&](const vm::vma&) { ++seen; });
    p.space().walk_snapshot([&](const vm::vma&) { ++seen; });
    for (std::int64_t page = 0; page < 4; ++page) {
      EXPECT_EQ(p.space().fault(p.cpu(), page_at(page), vm::access::read).value(), fault_outcome::spurious);
    }
    EXPECT_FALSE(failing.has_failed());
  }
  EXPECT_EQ(seen, 12U);
}

// A writer is made to stay in the middle of munmap, with its lock held: it waits for the end of an access that another cpu has
// under way (and under `sync` for that cpu's read section).
TYPED_TEST(guarantees_m, P1_readers_go_on_while_the_writer_lock_is_held) {
  if (!reads_under_rcu<TypeParam>) return;
  auto p = this->make("AABB");
  EXPECT_EQ(p.fill("ab"), "ok");
  sync::atomic<std::uint32_t> is_inside{0};
  sync::atomic<std::uint32_t> may_leave{0};
  sync::thread holder{"holder", [&] {
                        vm::cpu cpu{this->world_.machine};
                        std::ignore = load_number(p.space(), cpu,
                                                  page_at(0));  // this cpu is in the set that is shot at
                        const vm::tlb::access_section access{cpu.translations()};
                        const sync::rcu::read_section section;
                        is_inside.store_release(1);
                        while (may_leave.load_acquire() == 0) sync::sleep_ns(1'000'000);
                      }};
  ASSERT_TRUE(eventually([&] { return is_inside.load_acquire() == 1; }));
  sync::atomic<std::uint32_t> has_begun{0};
  sync::atomic<std::uint32_t> has_returned{0};
  sync::thread writer{"writer", [&] {
                        vm::cpu cpu{this->world_.machine};
                        has_begun.store_release(1);
                        EXPECT_TRUE(p.space().unmap(cpu, pages(1, 2)));
                        has_returned.store_release(1);
                      }};
  ASSERT_TRUE(eventually([&] { return has_begun.load_acquire() == 1; }));
  sync::sleep_ns(tests::a_while_ns);
  EXPECT_EQ(has_returned.load_acquire(), 0U);  // it holds its lock
  std::size_t seen = 0;
  p.space().walk_chunked(1, [&](const vm::vma&) { ++seen; });
  p.space().walk_snapshot([&](const vm::vma&) { ++seen; });
  EXPECT_EQ(seen, 4U);
  if (!faults_wait_for_all<TypeParam>) {
    EXPECT_EQ(outcome(p.space().fault(p.cpu(), page_at(0), vm::access::read)), "ok");
    EXPECT_EQ(*load_number(p.space(), p.cpu(), page_at(0)), static_cast<std::uint64_t>('a'));
  }
  EXPECT_EQ(has_returned.load_acquire(), 0U);
  may_leave.store_release(1);
  writer.join();
}

}  // namespace
}  // namespace rcuvm::mm::testing
