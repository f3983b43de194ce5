// SPDX-License-Identifier: Apache-2.0

/// The word of a page-table entry, and what its protection allows.

#include "rcuvm/vm/pte.hpp"

#include <gtest/gtest.h>

namespace rcuvm::vm {
namespace {

TEST(pte, of_nothing_is_not_present) {
  EXPECT_FALSE(pte{}.is_present());
  EXPECT_EQ(pte{}.word(), 0U);
}

TEST(pte, keeps_frame_generation_and_protection_apart) {
  for (const frame_number frame :
       {zero_frame, frame_number{2}, frame_number{0x1234'5678}, ~frame_number{0}}) {
    for (const std::uint32_t generation : {0U, 1U, 0x54321U, pte::generation_mask}) {
      for (std::uint8_t bits = 0; bits < 8; ++bits) {
        const auto allowed = protection::from_bits(bits);
        const pte made{frame, generation, allowed};
        EXPECT_TRUE(made.is_present());  // without any right, too: PROT_NONE keeps its page
        EXPECT_EQ(made.frame(), frame);
        EXPECT_EQ(made.generation(), generation);
        EXPECT_EQ(made.allowed(), allowed);
        EXPECT_EQ(pte{made.word()}, made);
      }
    }
  }
}

TEST(pte, of_a_guard_is_neither_empty_nor_present) {
  EXPECT_TRUE(pte{}.is_empty());
  EXPECT_FALSE(pte{}.is_guard());
  EXPECT_TRUE(pte::guard().is_guard());
  EXPECT_FALSE(pte::guard().is_empty());
  EXPECT_FALSE(pte::guard().is_present());
  const pte page{zero_frame, 0, {}};
  EXPECT_TRUE(page.is_present());
  EXPECT_FALSE(page.is_guard());
}

TEST(pte, cuts_a_generation_to_its_bits) {
  EXPECT_EQ((pte{2, pte::generation_mask + 6, {}}.generation()), 5U);
  EXPECT_EQ((pte{2, pte::generation_mask + 6, {}}.frame()), 2U);
}

TEST(pte, with_another_protection_keeps_the_rest) {
  const pte made{77, 5, {prot::read, prot::write}};
  const pte less = made.with(prot::read);
  EXPECT_EQ(less.frame(), 77U);
  EXPECT_EQ(less.generation(), 5U);
  EXPECT_EQ(less.allowed(), protection{prot::read});
  EXPECT_TRUE(made.with({}).is_present());
}

TEST(protection, allows_reading_whatever_may_be_written_or_executed) {
  EXPECT_FALSE(allows({}, access::read));
  for (const prot one : {prot::read, prot::write, prot::exec}) EXPECT_TRUE(allows(one, access::read));
  EXPECT_FALSE(allows({prot::read, prot::exec}, access::write));
  EXPECT_FALSE(allows({prot::read, prot::write}, access::exec));
  EXPECT_TRUE(allows(prot::write, access::write));
  EXPECT_TRUE(allows(prot::exec, access::exec));
}

}  // namespace
}  // namespace rcuvm::vm
