// SPDX-License-Identifier: Apache-2.0
#include "src/sync/recycler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/thread.hpp"
#include "rcuvm/vm/page_table.hpp"

namespace rcuvm::sync::memory::recycler {
namespace {

TEST(recycler_test, a_class_is_the_smallest_that_fits) {
  for (std::size_t bytes = 1; bytes <= largest; ++bytes) {
    const std::size_t size_class = class_of(bytes);
    ASSERT_LT(size_class, size_classes);
    ASSERT_GE(bytes_of(size_class), bytes);
    if (size_class != 0) {
      ASSERT_LT(bytes_of(size_class - 1), bytes);
    }
    ASSERT_EQ(bytes_of(size_class) % alignment_of(size_class), 0U);
    ASSERT_GE(alignment_of(size_class), 64U);
    ASSERT_GE(magazine_blocks(size_class), 4U);
  }
  EXPECT_EQ(class_of(largest), size_classes - 1);
  EXPECT_LE(sizeof(vm::table), largest);
  EXPECT_LE(alignof(vm::table), alignment_of(class_of(sizeof(vm::table))));
  EXPECT_EQ(alignment_of(class_of(4096)), 4096U);
}

/// More than a thread's two magazines, so that the depot takes part.
constexpr std::size_t many = 500;

TEST(recycler_test, living_blocks_are_distinct_and_aligned) {
  for (const std::size_t bytes : {64UL, 192UL, 512UL, 1'500UL, 4'096UL}) {
    const std::size_t size_class = class_of(bytes);
    for (int round = 0; round != 3; ++round) {
      std::set<void*> living;
      for (std::size_t at = 0; at != many; ++at) {
        void* object = take(size_class);
        ASSERT_NE(object, nullptr);
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(object) % alignment_of(size_class), 0U);
        std::memset(object, 0xab, bytes_of(size_class));
        ASSERT_TRUE(living.insert(object).second);
      }
      for (void* object : living) give(object, size_class);
    }
  }
}

TEST(recycler_test, what_one_thread_frees_another_uses_again) {
  constexpr std::size_t size_class = class_of(320);
  std::vector<void*> blocks(many);
  for (void*& each : blocks) each = take(size_class);
  const std::size_t before = blocks_in_depot(size_class);
  thread{"reclaimer",
         [&] {
           for (void* each : blocks) give(each, size_class);
         }}
      .join();
  EXPECT_GE(blocks_in_depot(size_class), before + many - std::size_t{3} * magazine_blocks(size_class));
  const std::set<void*> freed{blocks.begin(), blocks.end()};
  std::size_t reused = 0;
  for (void*& each : blocks) {
    each = take(size_class);
    reused += freed.count(each);
  }
  EXPECT_GE(reused, many - std::size_t{3} * magazine_blocks(size_class));
  for (void* each : blocks) give(each, size_class);
}

TEST(recycler_test, kept_objects_come_back_as_they_were) {
  if (!serves(largest, fine_step)) GTEST_SKIP() << "nothing is recycled in this build";
  while (take_kept(largest) != nullptr) {
  }
  std::set<void*> given;
  for (std::size_t i = 0; i < many; ++i) {
    void* const object = take(class_of(largest));
    std::memset(object, 0x5a, largest);
    given.insert(object);
  }
  thread{"reclaimer",
         [&] {
           for (void* each : given) give(each, kept);
         }}
      .join();
  std::size_t back = 0;
  while (void* const object = take_kept(largest)) {
    ++back;
    EXPECT_EQ(given.count(object), 1U);
    const auto* const bytes = static_cast<const unsigned char*>(object);
    EXPECT_TRUE(std::all_of(bytes, bytes + largest, [](unsigned char each) { return each == 0x5a; }));
    give(object, class_of(largest));
  }
  // What the thread's own two magazines held at its end went with it.
  EXPECT_GE(back, many - std::size_t{2} * magazine_blocks(kept));
}

/// Producers stamp blocks and pass them on, consumers check the stamp and free them. The sanitizers judge as well.
TEST(recycler_test, stress_each_block_has_one_owner) {
  constexpr std::size_t size_class = class_of(128);
  struct stamped {
    std::uint64_t stamp;
    std::uint64_t complement;
  };
  mutex lock;
  std::vector<stamped*> passed;
  atomic<int> producing{2};
  atomic<std::uint64_t> broken{0};
  std::vector<thread> threads;
  for (std::uint64_t producer = 1; producer != 3; ++producer) {
    threads.emplace_back("producer", [&, producer] {
      for (std::uint64_t at = 0; at != 20'000; ++at) {
        auto* made = static_cast<stamped*>(take(size_class));
        *made = {producer << 32U | at, ~(producer << 32U | at)};
        const mutex_guard guard{lock};
        passed.push_back(made);
      }
      producing.fetch_sub_acq_rel(1);
    });
    threads.emplace_back("consumer", [&] {
      for (bool is_last = false; !is_last;) {
        is_last = producing.load_acquire() == 0;
        std::vector<stamped*> mine;
        {
          const mutex_guard guard{lock};
          mine.swap(passed);
        }
        for (stamped* each : mine) {
          if (each->stamp != ~each->complement) broken.fetch_add_relaxed(1);
          *each = {0, 0};
          give(each, size_class);
        }
        yield();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(broken.load_relaxed(), 0U);
  EXPECT_TRUE(passed.empty());
}

/// A destructor that runs when the thread's cache is closed already. LeakSanitizer sees what stays behind.
TEST(recycler_test, a_thread_may_free_at_its_very_end) {
  constexpr std::size_t size_class = class_of(64);
  struct late {
    void* object = nullptr;
    ~late() {
      give(object, size_class);
      give(take(size_class), size_class);
    }
  };
  thread{"short",
         [] {
           thread_local late last;  // made before the cache, so destroyed after it
           last.object = take(size_class);
         }}
      .join();
}

}  // namespace
}  // namespace rcuvm::sync::memory::recycler
