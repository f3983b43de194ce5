// SPDX-License-Identifier: Apache-2.0

/// The TLB: what it remembers, and that a shootdown ends it.

#include "rcuvm/vm/tlb.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "rcuvm/vm/machine.hpp"
#include "rcuvm/vm/open_zaps.hpp"
#include "tests/designs/stuck_reader.hpp"

namespace rcuvm::vm {
namespace {

constexpr address somewhere = 0x12345000;

std::optional<pte> look_up(tlb& in, tlb::key what) {
  const tlb::access_section now{in};
  return now.find(what);
}
void remember(tlb& in, tlb::key what, pte translation) {
  tlb::access_section now{in};
  now.remember(what, translation);
}

TEST(tlb, finds_what_it_was_told_and_nothing_else) {
  tlb one;
  EXPECT_FALSE(look_up(one, {1, somewhere}));
  remember(one, {1, somewhere}, pte{5, 0, prot::read});
  EXPECT_EQ(look_up(one, {1, somewhere}), (pte{5, 0, prot::read}));
  EXPECT_FALSE(look_up(one, {2, somewhere}));  // another address space
  EXPECT_FALSE(look_up(one, {1, somewhere + page_size}));
}

TEST(tlb, a_new_tlb_takes_nothing_for_an_entry) {
  tlb one;
  EXPECT_FALSE(look_up(one, {}));
}

TEST(tlb, forgets_an_entry_for_another_in_its_place) {
  tlb one;
  const address far = somewhere + 256 * page_size;
  remember(one, {1, somewhere}, pte{5, 0, prot::read});
  remember(one, {1, far}, pte{6, 0, prot::read});
  EXPECT_FALSE(look_up(one, {1, somewhere}));
  EXPECT_EQ(look_up(one, {1, far}), (pte{6, 0, prot::read}));
}

TEST(tlb, forgets_everything_after_a_shootdown) {
  tlb one;
  remember(one, {1, somewhere}, pte{5, 0, prot::read});
  one.shoot_down();
  EXPECT_FALSE(look_up(one, {1, somewhere}));
  remember(one, {1, somewhere}, pte{6, 0, prot::read});
  EXPECT_EQ(look_up(one, {1, somewhere}), (pte{6, 0, prot::read}));  // the one shot is over
}

TEST(open_zaps, tell_of_others_in_a_range) {
  open_zaps all;
  const range low{0, 2 * page_size};
  const range high{2 * page_size, 4 * page_size};
  open_zaps::zap one;
  all.close(one);  // never opened
  EXPECT_FALSE(all.any_in(low));
  all.open(one, low);
  all.open(one, low);
  EXPECT_TRUE(all.any_in(low));
  EXPECT_FALSE(all.any_in(low, &one));
  EXPECT_FALSE(all.any_in(high));
  open_zaps::zap other;
  EXPECT_TRUE(all.any_in(low, &other));
  all.open(other, {page_size, 3 * page_size});
  EXPECT_TRUE(all.any_in(low, &one));
  EXPECT_TRUE(all.any_in(high));
  all.close(one);
  EXPECT_FALSE(all.any_in(high, &other));
  EXPECT_TRUE(all.any_in(low));
  all.close(other);
  EXPECT_FALSE(all.any_in(low));
  all.open(one, high);  // again, for others
  EXPECT_TRUE(all.any_in(high));
  EXPECT_FALSE(all.any_in(low));
  all.close(one);
}

TEST(tlb, a_shootdown_waits_for_the_access_under_way) {
  tlb one;
  std::optional<tlb::access_section> access{one};
  designs::testing::other_call shooting{[&] { one.shoot_down(); }};
  EXPECT_TRUE(shooting.waits());
  access.reset();
  EXPECT_TRUE(shooting.returns());
}

TEST(tlb, a_shootdown_waits_for_no_later_access) {
  tlb one;
  one.shoot_down();  // none is under way
  std::optional<tlb::access_section> first{one};
  designs::testing::other_call shooting{[&] { one.shoot_down(); }};
  EXPECT_TRUE(shooting.waits());
  first.reset();
  const tlb::access_section second{one};
  EXPECT_TRUE(shooting.returns());
}

TEST(machine, shoots_at_the_cpus_of_an_address_space_only) {
  machine all{{.frames = 4}};
  cpu one{all};
  cpu other{all};
  cpu_set of_space;
  of_space.add(one.id());
  const tlb::access_section busy{other.translations()};  // would make a shootdown wait
  cpu third{all};
  third.shoot_down(of_space);
  EXPECT_EQ(third.count.shootdowns, 1U);
  EXPECT_EQ(third.count.shootdown_acks, 1U);
}

TEST(machine, shoots_at_a_cpu_wherever_it_has_been) {
  machine all{{.frames = 4}};
  cpu one{all};
  cpu other{all};
  cpu_set first;
  cpu_set second;
  one.enter(1, first);
  one.enter(2, second);
  one.enter(1, first);
  other.enter(2, second);
  other.enter(2, second);
  cpu third{all};
  third.shoot_down(first);
  EXPECT_EQ(third.count.shootdown_acks, 1U);
  third.shoot_down(second);
  EXPECT_EQ(third.count.shootdown_acks, 3U);
  cpu_set born_later;
  other.enter(3, born_later);
  third.shoot_down(born_later);
  EXPECT_EQ(third.count.shootdown_acks, 4U);
}

TEST(machine, a_cpu_that_shoots_forgets_its_own_translations) {
  machine all{{.frames = 4}};
  cpu one{all};
  cpu_set of_space;
  one.enter(1, of_space);
  {
    tlb::access_section now{one.translations()};
    now.remember({1, page_size}, pte{2, 0, prot::read});
  }
  one.shoot_down(of_space);
  EXPECT_FALSE(tlb::access_section{one.translations()}.find({1, page_size}));
  EXPECT_EQ(one.count.shootdown_acks, 0U);
}

TEST(machine, numbers_its_cpus_anew) {
  machine all{{.frames = 4}};
  std::optional<cpu> first{all};
  const cpu second{all};
  EXPECT_EQ(first->id(), 0U);
  EXPECT_EQ(second.id(), 1U);
  first.reset();
  const cpu third{all};
  EXPECT_EQ(third.id(), 0U);
}

TEST(machine, has_64_cpus_at_a_time) {
  machine all{{.frames = 4}};
  std::vector<std::unique_ptr<cpu>> many;
  for (unsigned i = 0; i < machine::max_cpus; ++i) many.push_back(std::make_unique<cpu>(all));
  EXPECT_EQ(many.back()->id(), 63U);
  EXPECT_THROW(cpu{all}, std::runtime_error);
  many.pop_back();
  EXPECT_NO_THROW(cpu{all});
}

TEST(machine, takes_back_the_stock_of_a_cpu) {
  machine all{{.frames = 100}};
  {
    cpu one{all};
    const frame_number got = all.frames().take(one.stock);
    all.frames().put(got, one.stock);
    EXPECT_GT(all.frames().in_use(), 0U);
  }
  EXPECT_EQ(all.frames().in_use(), 0U);
}

}  // namespace
}  // namespace rcuvm::vm
