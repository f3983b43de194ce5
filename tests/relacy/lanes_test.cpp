// SPDX-License-Identifier: Apache-2.0
#include "src/reclaim/lanes.hpp"

#include <cstdint>

#include "search.hpp"

namespace rcuvm::relacy {
namespace {

constexpr const char* source = "src/reclaim/lanes.hpp";
constexpr const char* ring = "tests/relacy/seam/boost/lockfree/spsc_queue.hpp";

struct batch : reclaim::detail::retire_block {
  plain<std::uint32_t> contents;
};

/// Two writers push two batches each, all from the same home lane; a collector takes what it finds while they do, and
/// the rest afterwards.
struct two_writers : rl::test_suite<two_writers, 3> {
  static constexpr unsigned writers = 2;
  static constexpr unsigned batches_each = 2;

  aligned<reclaim::detail::lanes> lanes;
  batch batches[writers][batches_each];
  unsigned kept = 0;   ///< batches that did not find a place. Relacy runs one thread at a time: no guard
  unsigned taken = 0;  ///< guard: the collector

  void thread(unsigned index) {
    if (index == writers) return collect();
    for (batch& mine : batches[index]) {
      mine.contents.write(index + 1);
      if (!lanes->push(&mine)) ++kept;
    }
  }
  void after() {
    collect();
    promise(kept + taken == writers * batches_each, "a batch was lost, or came twice");
  }

  void collect() {
    lanes->collect([this](reclaim::detail::retire_block* found, std::uint64_t) {
      batch& here = *static_cast<batch*>(found);
      promise(here.contents.read() != 0, "a batch that was taken twice");
      here.contents.write(0);
      ++taken;
    });
  }
};

TEST(lanes_test, a_batch_arrives_once_and_whole) { expect_holds<two_writers>(2); }

TEST(lanes_test, without_W1) { expect_caught<two_writers>(source, "lanes.W1"); }
TEST(lanes_test, without_R1) { expect_caught<two_writers>(source, "lanes.R1"); }
TEST(lanes_test, claim_in_two_steps) { expect_caught<two_writers>(source, "lanes.R1", weakening::how::torn); }
// The second pair is Boost's, and here its stand-in's.
TEST(lanes_test, without_W2) { expect_caught<two_writers>(ring, "lanes.W2"); }
TEST(lanes_test, without_R2) { expect_caught<two_writers>(ring, "lanes.R2"); }

TEST(lanes_test, each_ordering_has_a_twin_without_it) {
  expect_all_tags(source, {"lanes.W1", "lanes.R1", "lanes.W2", "lanes.R2"});
}

}  // namespace
}  // namespace rcuvm::relacy
