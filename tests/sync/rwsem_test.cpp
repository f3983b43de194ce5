// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/rwsem.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/thread.hpp"
#include "tests/sync/eventually.hpp"

namespace rcuvm::sync {
namespace {

using tests::a_while_ns;
using tests::eventually;

bool another_thread_gets_the_read_side(rwsem& lock) {
  bool succeeded = false;
  thread{"reader",
         [&] {
           if (!lock.try_lock_shared()) return;
           lock.unlock_shared();
           succeeded = true;
         }}
      .join();
  return succeeded;
}

bool another_thread_gets_the_write_side(rwsem& lock) {
  bool succeeded = false;
  thread{"writer",
         [&] {
           if (!lock.try_lock()) return;
           lock.unlock();
           succeeded = true;
         }}
      .join();
  return succeeded;
}

TEST(rwsem_test, readers_share_and_keep_the_writer_out) {
  rwsem lock;
  shared_section reader{lock};
  EXPECT_TRUE(reader.is_held());
  EXPECT_TRUE(another_thread_gets_the_read_side(lock));
  EXPECT_FALSE(another_thread_gets_the_write_side(lock));
  reader.unlock();
  EXPECT_FALSE(reader.is_held());
  EXPECT_TRUE(another_thread_gets_the_write_side(lock));
  reader.lock();
  EXPECT_FALSE(another_thread_gets_the_write_side(lock));
}

TEST(rwsem_test, the_writer_keeps_all_out) {
  rwsem lock;
  const write_section writer{lock};
  EXPECT_FALSE(another_thread_gets_the_read_side(lock));
  EXPECT_FALSE(another_thread_gets_the_write_side(lock));
}

TEST(rwsem_test, a_reader_waits_for_the_writer_asleep_or_not) {
  for (const reader_wait how : {reader_wait::sleep, reader_wait::spin}) {
    rwsem lock{how};
    atomic<bool> is_inside{false};
    lock.lock();
    thread reader{"reader", [&] {
                    const shared_section inside{lock};
                    is_inside.store_relaxed(true);
                  }};
    sleep_ns(a_while_ns);
    EXPECT_FALSE(is_inside.load_relaxed());
    lock.unlock();
    reader.join();
    EXPECT_TRUE(is_inside.load_relaxed());
  }
}

TEST(rwsem_test, a_waiting_writer_stops_new_readers) {
  rwsem lock;
  atomic<bool> was_inside{false};
  shared_section reader{lock};
  thread writer{"writer", [&] {
                  const write_section inside{lock};
                  was_inside.store_relaxed(true);
                }};
  EXPECT_TRUE(eventually([&] { return !another_thread_gets_the_read_side(lock); }));
  EXPECT_FALSE(was_inside.load_relaxed());
  atomic<bool> second_reader_saw_the_writer{false};
  thread second_reader{"second reader", [&] {
                         const shared_section inside{lock};
                         second_reader_saw_the_writer.store_relaxed(was_inside.load_relaxed());
                       }};
  sleep_ns(a_while_ns);
  reader.unlock();
  second_reader.join();
  EXPECT_TRUE(second_reader_saw_the_writer.load_relaxed());
  writer.join();
  reader.lock();
}

/// The two readers overlap without a pause, so that there is no moment without a reader for the writer to find.
TEST(rwsem_test, the_writer_gets_in_under_a_stream_of_readers) {
  rwsem lock;
  atomic<bool> is_over{false};
  atomic<std::uint32_t> inside{0};
  const auto read = [&] {
    while (!is_over.load_relaxed()) {
      const shared_section reader{lock};
      inside.fetch_add_acq_rel(1);
      for (std::uint32_t patience = 0; patience != 100 && inside.load_relaxed() < 2; ++patience)
        sleep_ns(50'000);
      inside.fetch_sub_acq_rel(1);
    }
  };
  std::vector<thread> readers;
  readers.emplace_back("reader 1", read);
  readers.emplace_back("reader 2", read);
  std::uint32_t entered = 0;
  for (; entered != 20; ++entered) {
    const write_section writer{lock};
    EXPECT_EQ(inside.load_relaxed(), 0U);
  }
  is_over.store_relaxed(true);
  EXPECT_EQ(entered, 20U);
}

}  // namespace
}  // namespace rcuvm::sync
