// SPDX-License-Identifier: Apache-2.0

/// The record of a mapping: values fixed, life and identity as told.

#include "rcuvm/vm/vma.hpp"

#include <gtest/gtest.h>

namespace rcuvm::vm {
namespace {

constexpr address start = 0x40000000;

TEST(vma, lives_from_building_to_dead) {
  vma one{{.where = {start, start + page_size}}, life::building};
  EXPECT_FALSE(one.is_live());
  one.set_live();
  EXPECT_TRUE(one.is_live());
  one.hold_back();
  EXPECT_EQ(one.state(), life::building);
  one.set_live();
  one.kill();
  EXPECT_EQ(one.state(), life::dead);
}

TEST(vma, gets_its_identity_once) {
  vma one{{.where = {start, start + page_size}}, life::live};
  EXPECT_EQ(one.anon(), 0U);
  one.set_anon(7);
  one.set_anon(8);
  EXPECT_EQ(one.anon(), 7U);
  EXPECT_EQ(one.last_anon(), 7U);
  EXPECT_EQ(one.fields().anon, 0U);  // as published
  vma inherits{{.anon = 5}, life::live};
  inherits.set_anon(6);
  EXPECT_EQ(inherits.anon(), 5U);
}

TEST(vma_fields, count_pages_from_their_offset) {
  const vma_fields fields{.where = {start, start + 4 * page_size}, .page_offset = 10};
  EXPECT_EQ(fields.page_of(start), 10U);
  EXPECT_EQ(fields.page_of(start + 3 * page_size + 5), 13U);
  EXPECT_EQ(fields.page_of(fields.where.end), 14U);
}

TEST(vma_fields, have_the_protection_of_their_flags) {
  vma_fields fields{.flags = {vma_flag::read, vma_flag::exec, vma_flag::shared, vma_flag::locked}};
  EXPECT_EQ(fields.allowed(), (protection{prot::read, prot::exec}));
  EXPECT_FALSE(fields.is_private());
  EXPECT_TRUE(fields.is_anonymous());
  EXPECT_FALSE(fields.is_tombstone());
  fields.flags = vma_flag::tombstone;
  EXPECT_TRUE(fields.is_tombstone());
  EXPECT_TRUE(fields.allowed().is_empty());
}

}  // namespace
}  // namespace rcuvm::vm
