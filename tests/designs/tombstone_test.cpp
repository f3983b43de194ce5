// SPDX-License-Identifier: Apache-2.0

/// tombstone: what each call makes of a dead entry. A reader that stays in its section keeps the entries there.

#include "rcuvm/designs/tombstone.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "tests/designs/stuck_reader.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::designs::testing {
namespace {

using namespace mm::testing;
using mm::map_flag;
using mm::remap_flag;

class tombstone_design : public ::testing::Test {
 protected:
  /// Lets the reader go before the address space ends, which waits for its dead entries.
  struct process_type : process<tombstone> {
    process_type(tombstone_design& test, std::string_view picture, mm::layout where)
        : process{test.world_, picture, where}, test_{test} {}
    ~process_type() { test_.reader_.reset(); }
    process_type(const process_type&) = delete;
    process_type& operator=(const process_type&) = delete;

   private:
    tombstone_design& test_;
  };
  void TearDown() override { EXPECT_EQ(world_.leaks(), ""); }

  /// "AA++BB": pages drawn as + are unmapped while the reader is inside.
  std::unique_ptr<process_type> make(std::string picture, mm::layout where = {}) {
    std::string mapped = picture;
    for (char& each : mapped) {
      if (each == '+') each = 'E';
    }
    auto made = std::make_unique<process_type>(*this, mapped, where);
    reader_.emplace();
    for (std::size_t at = 0; at < picture.size(); ++at) {
      const auto page = static_cast<std::int64_t>(at);
      if (picture[at] != '+') continue;
      EXPECT_EQ(made->unmap(page, page + 1), "ok");
    }
    return made;
  }

  /// `call` waits while the reader is inside, and does what it should when he leaves.
  template <class Call>
  void waits_for_the_reader(process_type& p, Call call) {
    vm::cpu cpu{world_.machine};
    {
      other_call other{[&] { call(cpu); }};
      EXPECT_TRUE(other.waits());
      reader_->leave();
      EXPECT_TRUE(other.returns());
    }
    EXPECT_GT(cpu.count.tombstone_waits, 0U);
    EXPECT_GT(cpu.count.tombstone_wait_ns, 0U);
    EXPECT_TRUE(p.space().verify());
  }

  world world_;
  std::optional<stuck_reader> reader_;
};

TEST_F(tombstone_design, unmap_does_not_wait_and_leaves_a_dead_entry) {
  const auto made = make("AA++BB");
  auto& p = *made;
  EXPECT_EQ(p.cpu().count.tombstones, 2U);
  EXPECT_EQ(p.cpu().count.tombstone_waits, 0U);
  EXPECT_EQ(p.draw(), "AA..BB");
}

TEST_F(tombstone_design, a_walk_skips_a_dead_entry) {
  const auto made = make("A+B");
  auto& p = *made;
  std::size_t seen = 0;
  p.space().walk_chunked(1, [&](const vm::vma&) { ++seen; });
  p.space().walk_snapshot([&](const vm::vma&) { ++seen; });
  EXPECT_EQ(seen, 4U);
}

TEST_F(tombstone_design, a_fault_finds_nothing_there) {
  const auto made = make("A+B");
  auto& p = *made;
  EXPECT_EQ(p.touch(1, 2), "EFAULT");
}

TEST_F(tombstone_design, to_the_search_for_a_gap_it_is_occupied) {
  const mm::layout where{
      .lowest = page_at(0), .mmap_base = page_at(6), .unmapped_base = page_at(6), .end = page_at(6)};
  const auto made = make("A.A+AA", where);
  auto& p = *made;
  const auto place = [&](address hint) {
    return outcome(p.space().map(p.cpu(), {.hint = hint, .length = page_size, .protection = can_read}));
  };
  EXPECT_EQ(place(page_at(3)), "ok");  // not even as a hint
  EXPECT_EQ(p.draw(), "ABA.AA");
  EXPECT_EQ(place(0), "ENOMEM");
  reader_->leave();
  world_.machine.limbo().drain();
  EXPECT_EQ(place(0), "ok");
  EXPECT_EQ(p.draw(), "ABABAA");
}

TEST_F(tombstone_design, a_call_elsewhere_does_not_wait) {
  const auto made = make("AA++BB..");
  auto& p = *made;
  EXPECT_EQ(p.map(6, 8, 'C'), "ok");
  EXPECT_EQ(p.protect(0, 2, can_read), "ok");
  EXPECT_EQ(p.unmap(0, 1), "ok");
  EXPECT_EQ(p.move(6, 8, 10, 12), "ok");
  EXPECT_EQ(p.draw(), ".B..BB....CC");
  EXPECT_EQ(p.cpu().count.tombstone_waits, 0U);
}

TEST_F(tombstone_design, MAP_FIXED_over_it_waits) {
  const auto made = make("AA++BB");
  auto& p = *made;
  waits_for_the_reader(p, [&](vm::cpu& cpu) {
    EXPECT_EQ(outcome(p.space().map(cpu, p.request(1, 4, 'C', map_flag::fixed))), "ok");
  });
  EXPECT_EQ(p.draw(), "ACCCBB");
}

TEST_F(tombstone_design, MAP_FIXED_over_a_mapping_waits_for_the_entry_it_makes) {
  const auto made = make("AABB");
  auto& p = *made;
  waits_for_the_reader(p, [&](vm::cpu& cpu) {
    EXPECT_EQ(outcome(p.space().map(cpu, p.request(1, 3, 'C', map_flag::fixed))), "ok");
  });
  EXPECT_EQ(p.draw(), "ACCB");
}

TEST_F(tombstone_design, MAP_FIXED_NOREPLACE_waits_and_then_succeeds) {
  const auto made = make("AA++BB");
  auto& p = *made;
  waits_for_the_reader(p, [&](vm::cpu& cpu) {
    EXPECT_EQ(outcome(p.space().map(cpu, p.request(2, 4, 'C', map_flag::fixed_noreplace))), "ok");
  });
  EXPECT_EQ(p.draw(), "AACCBB");
}

TEST_F(tombstone_design, the_target_of_mremap_waits) {
  const auto made = make("AA..++BB");
  auto& p = *made;
  waits_for_the_reader(p, [&](vm::cpu& cpu) {
    EXPECT_EQ(outcome(p.space().remap(cpu, {.old_address = page_at(0),
                                            .old_length = 2 * page_size,
                                            .new_length = 2 * page_size,
                                            .flags = {remap_flag::may_move, remap_flag::fixed},
                                            .new_address = page_at(4)})),
              "ok");
  });
  EXPECT_EQ(p.draw(), "....AABB");
}

TEST_F(tombstone_design, mremap_that_grows_over_it_waits) {
  const auto made = make("AA++.BB");
  auto& p = *made;
  waits_for_the_reader(p, [&](vm::cpu& cpu) {
    EXPECT_EQ(
        outcome(p.space().remap(
            cpu, {.old_address = page_at(0), .old_length = 2 * page_size, .new_length = 5 * page_size})),
        "ok");
  });
  EXPECT_EQ(p.draw(), "AAAAABB");
}

TEST_F(tombstone_design, brk_over_it_waits) {
  const auto made = make("A.++...B");
  auto& p = *made;
  p.space().set_break(page_at(2));
  waits_for_the_reader(p, [&](vm::cpu& cpu) { EXPECT_EQ(p.space().brk(cpu, page_at(5)), page_at(5)); });
  EXPECT_EQ(p.draw(), "A.AAA..B");
}

TEST_F(tombstone_design, a_stack_that_grows_over_it_waits) {
  const auto made = make("....++GG", {.stack_guard_gap = 2 * page_size});
  auto& p = *made;
  waits_for_the_reader(p, [&](vm::cpu& cpu) {
    EXPECT_EQ(outcome(p.space().fault(cpu, page_at(4), vm::access::write)), "ok");
  });
  EXPECT_EQ(p.draw(), "....GGGG");
}

// Two wait for the same addresses. Whoever is later finds the other's mapping, and must look again.
TEST_F(tombstone_design, what_comes_there_during_the_wait_is_seen) {
  const auto made = make("AA++BB");
  auto& p = *made;
  vm::cpu one{world_.machine};
  vm::cpu other{world_.machine};
  const auto map_new = [&](vm::cpu& cpu, char is) {
    return outcome(p.space().map(cpu, p.request(2, 4, is, map_flag::fixed_noreplace)));
  };
  std::string got_one;
  std::string got_other;
  {
    other_call first{[&] { got_one = map_new(one, 'C'); }};
    other_call second{[&] { got_other = map_new(other, 'D'); }};
    EXPECT_TRUE(first.waits());
    EXPECT_TRUE(second.waits());
    reader_->leave();
  }
  if (got_one == "ok") {
    EXPECT_EQ(got_other, "EEXIST");
    EXPECT_EQ(p.draw(), "AACCBB");
  } else {
    EXPECT_EQ(got_one, "EEXIST");
    EXPECT_EQ(got_other, "ok");
    EXPECT_EQ(p.draw(), "AADDBB");
  }
}

TEST_F(tombstone_design, fork_does_not_copy_it) {
  const auto made = make("AA++BB");
  auto& p = *made;
  auto child = p.fork();
  EXPECT_EQ(child.draw(), "AA..BB");
  EXPECT_EQ(child.map(2, 4, 'C'), "ok");  // without a wait
  EXPECT_EQ(child.draw(), "AACCBB");
  EXPECT_EQ(p.cpu().count.tombstone_waits, 0U);
}

TEST_F(tombstone_design, exit_drains) {
  const auto made = make("AA++BB");
  auto& p = *made;
  vm::cpu cpu{world_.machine};
  other_call leaving{[&] { p.space().exit(cpu); }};
  EXPECT_TRUE(leaving.waits());
  reader_->leave();
  EXPECT_TRUE(leaving.returns());
  EXPECT_EQ(p.draw(), "");
  EXPECT_EQ(world_.machine.limbo().read_statistics().objects, 0U);
}

TEST_F(tombstone_design, is_erased_by_the_next_call_after_the_grace_period) {
  const auto made = make("A+B");
  auto& p = *made;
  reader_->leave();
  world_.machine.limbo().drain();
  EXPECT_EQ(p.protect(0, 1, can_read), "ok");  // any call
  EXPECT_EQ(p.map(1, 2, 'C'), "ok");
  EXPECT_EQ(p.cpu().count.tombstone_waits, 0U);
  EXPECT_EQ(p.draw(), "BCB");
}

TEST_F(tombstone_design, a_recorded_place_over_it_costs_no_wait) {
  const auto made = make("AA+++BB");
  auto& p = *made;
  EXPECT_EQ(
      outcome(p.space().map(p.cpu(), {.length = page_size, .protection = can_read, .recorded = page_at(3)})),
      "ok");
  EXPECT_EQ(p.draw(), "AA.B.BB");
  EXPECT_EQ(p.cpu().count.tombstone_waits, 0U);
  reader_->leave();
  world_.machine.limbo().drain();
  EXPECT_EQ(p.protect(0, 1, can_read), "ok");  // erases what is left of the dead entries, and nothing else
  EXPECT_EQ(p.draw(), "BA.B.BB");
}

}  // namespace
}  // namespace rcuvm::designs::testing
