// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/memory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "rcuvm/sync/thread.hpp"

namespace rcuvm::sync::memory {
namespace {

/// Whether the next allocation succeeds.
bool can_allocate() {
  void* place = allocate(24, 8);
  deallocate(place, 24, 8);
  return place != nullptr;
}

TEST(memory_test, blocks_are_aligned_and_do_not_overlap) {
  struct block {
    unsigned char* at;
    std::size_t bytes;
    std::size_t alignment;
  };
  std::vector<block> blocks;
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    for (const std::size_t bytes : {1UL, 8UL, 63UL, 64UL, 65UL, 256UL, 1000UL, 4096UL, 10'000UL}) {
      auto* at = static_cast<unsigned char*>(allocate(bytes, alignment));
      ASSERT_NE(at, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % alignment, 0U);
      blocks.push_back({at, bytes, alignment});
      std::memset(at, static_cast<int>(blocks.size()), bytes);
    }
  }
  unsigned char number = 0;
  for (const block& each : blocks) {
    ++number;
    for (std::size_t at = 0; at != each.bytes; ++at) ASSERT_EQ(each.at[at], number);
    deallocate(each.at, each.bytes, each.alignment);
  }
}

TEST(memory_test, deallocate_ignores_null) {
  deallocate(nullptr, 10, 8);
  destroy(static_cast<int*>(nullptr));
}

struct counted {
  explicit counted(int& living) noexcept : living_{living} { ++living_; }
  ~counted() { --living_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  int& living_;
};

TEST(memory_test, make_constructs_and_destroy_destructs) {
  int living = 0;
  counted* made = make<counted>(living);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(living, 1);
  destroy(made);
  EXPECT_EQ(living, 0);
}

struct bad_at_birth {
  bad_at_birth() { throw std::bad_alloc{}; }
};

TEST(memory_test, make_returns_null_when_the_constructor_has_no_memory) {
  EXPECT_EQ(make<bad_at_birth>(), nullptr);  // and LeakSanitizer sees no leak
}

struct page_and_more {
  std::array<std::uint64_t, 513> words{};
};

TEST(memory_test, what_is_kept_is_made_no_second_time_and_fails_when_told) {
  page_and_more* const first = make_or_reuse<page_and_more>();
  ASSERT_NE(first, nullptr);
  keep(first);
  {
    const failing_allocations failing{1};
    EXPECT_EQ(make_or_reuse<page_and_more>(), nullptr);
    EXPECT_TRUE(failing.has_failed());
  }
  page_and_more* const second = make_or_reuse<page_and_more>();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->words, page_and_more{}.words);
  destroy(second);  // nothing of another type than page tables stays kept
}

TEST(memory_test, the_allocator_throws_where_allocate_returns_null) {
  std::vector<std::uint64_t, allocator<std::uint64_t>> numbers;
  numbers.push_back(1);
  const failing_allocations failing{1};
  EXPECT_THROW(numbers.reserve(1'000), std::bad_alloc);
  EXPECT_TRUE(failing.has_failed());
  EXPECT_EQ(numbers.size(), 1U);
  EXPECT_THROW(static_cast<void>(allocator<std::uint64_t>{}.allocate(~std::size_t{0})), std::bad_alloc);
}

TEST(failing_allocations_test, exactly_the_nth_fails) {
  for (std::uint64_t nth = 1; nth != 6; ++nth) {
    const failing_allocations failing{nth};
    for (std::uint64_t at = 1; at != 10; ++at) {
      EXPECT_EQ(can_allocate(), at != nth) << "allocation " << at << " of " << nth;
      EXPECT_EQ(failing.has_failed(), at >= nth);
    }
  }
  EXPECT_TRUE(can_allocate());
}

TEST(failing_allocations_test, for_good_fails_all_after_it_too) {
  {
    const failing_allocations failing{3, failing_allocations::how::for_good};
    for (std::uint64_t at = 1; at != 10; ++at) EXPECT_EQ(can_allocate(), at < 3);
  }
  EXPECT_TRUE(can_allocate());
}

TEST(failing_allocations_test, an_inner_one_hides_the_outer_one) {
  const failing_allocations outer{2};
  {
    const failing_allocations inner{100};
    for (int at = 0; at != 5; ++at) EXPECT_TRUE(can_allocate());
  }
  EXPECT_TRUE(can_allocate());
  EXPECT_FALSE(can_allocate());
}

TEST(failing_allocations_test, other_threads_notice_nothing) {
  const failing_allocations failing{1, failing_allocations::how::for_good};
  bool could = false;
  thread{"other", [&] { could = can_allocate(); }}.join();
  EXPECT_TRUE(could);
  EXPECT_FALSE(failing.has_failed());
}

TEST(failing_allocations_DeathTest, counting_from_zero_ends_the_program) {
  EXPECT_DEATH(failing_allocations{0}, "counts from 1");
}

}  // namespace
}  // namespace rcuvm::sync::memory
