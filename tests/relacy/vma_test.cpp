// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/vma.hpp"

#include <cstdint>

#include "rcuvm/sync/mutex.hpp"
#include "search.hpp"

namespace rcuvm::relacy {
namespace {

constexpr const char* source = "include/rcuvm/vm/vma.hpp";

/// The writer makes pages ready while faults are held back; a fault that finds the VMA live uses them.
struct held_back : rl::test_suite<held_back, 2> {
  vm::vma mapping{{}, vm::life::building};
  plain<std::uint32_t> pages;

  void before() { pages.write(0); }
  void thread(unsigned index) {
    if (index == 0) {
      pages.write(1);
      mapping.set_live();
    } else if (mapping.is_live()) {
      promise(pages.read() == 1, "live before its pages are ready");
    }
  }
};

/// The writer publishes a newer version (here a word without an order of its own) and kills the old VMA: a fault that
/// finds it dead tries again, and must find the newer one.
struct replaced : rl::test_suite<replaced, 2> {
  vm::vma old{{}, vm::life::live};
  sync::atomic<std::uint32_t> version{1};

  void thread(unsigned index) {
    if (index == 0) {
      version.store_relaxed(2);
      old.kill();
    } else if (old.state() == vm::life::dead) {
      promise(version.load_relaxed() == 2, "a dead VMA is still the newest one");
    }
  }
};

using enum weakening::how;

enum class place_of_look { under_the_lock, before_the_lock };

/// Unmap kills the VMA and then clears the table; a fault looks whether it lives and then installs a page.
template <place_of_look Look>
struct unmap_and_fault : rl::test_suite<unmap_and_fault<Look>, 2> {
  vm::vma mapping{{}, vm::life::live};
  sync::mutex table_lock;
  plain<std::uint32_t> pte;

  void before() { pte.write(0); }
  void thread(unsigned index) { index == 0 ? unmap() : fault(); }
  void after() { promise(pte.read() == 0, "a page of a VMA that was unmapped"); }

  void unmap() {
    mapping.kill();
    const sync::mutex_guard held{table_lock};
    pte.write(0);
  }
  void fault() {
    if (Look == place_of_look::before_the_lock && !mapping.is_live()) return;
    const sync::mutex_guard held{table_lock};
    if (Look == place_of_look::under_the_lock && !mapping.is_live()) return;
    pte.write(1);
  }
};

/// A fault names the pages while the writer kills the VMA and asks for the name, to hand it down.
struct named_late : rl::test_suite<named_late, 2> {
  vm::vma mapping{{}, vm::life::live};
  std::uint64_t handed_down = 0;  ///< guard: the writer
  bool is_used = false;           ///< guard: the fault

  void thread(unsigned index) {
    if (index == 0) {
      mapping.kill();
      handed_down = mapping.last_anon();
    } else {
      mapping.set_anon(7);
      is_used = mapping.is_live();
    }
  }
  void after() { promise(!is_used || handed_down == 7, "pages under a name that was not handed down"); }
};

/// Two faults bring a name each, with what belongs to it. One of the names stays.
struct named_twice : rl::test_suite<named_twice, 3> {
  vm::vma mapping{{}, vm::life::live};
  plain<std::uint32_t> prepared[2];
  std::uint64_t seen[2] = {};  ///< guard: each a fault's

  void before() {
    for (auto& each : prepared) each.write(0);
  }
  void thread(unsigned index) {
    if (index != 2) {
      prepared[index].write(1);
      mapping.set_anon(index + 1);
      seen[index] = mapping.anon();
    } else if (const std::uint64_t name = mapping.anon(); name != 0) {
      promise(prepared[name - 1].read() == 1, "a name without what belongs to it");
    }
  }
  void after() { promise(seen[0] != 0 && seen[0] == seen[1], "a VMA had two names"); }
};

/// A fault brings a name; the writer hands it down to the VMA that takes the old one's place, and a fault finds it there.
struct inherited : rl::test_suite<inherited, 3> {
  vm::vma old{{}, vm::life::live};
  vm::vma heir{{}, vm::life::live};
  plain<std::uint32_t> prepared;

  void before() { prepared.write(0); }
  void thread(unsigned index) {
    if (index == 0) {
      prepared.write(1);
      old.set_anon(7);
    } else if (index == 1) {
      if (const std::uint64_t name = old.last_anon(); name != 0) heir.set_anon(name);
    } else if (heir.anon() != 0) {
      promise(prepared.read() == 1, "an inherited name without what belongs to it");
    }
  }
};

TEST(vma_test, who_finds_it_live_finds_its_pages_ready) { expect_holds<held_back>(4); }
TEST(vma_test, who_finds_it_dead_finds_the_newer_version) { expect_holds<replaced>(4); }
TEST(vma_test, no_page_is_left_of_a_dead_one) {
  expect_holds<unmap_and_fault<place_of_look::under_the_lock>>(4);
}
TEST(vma_test, its_last_name_is_handed_down_or_not_used) { expect_holds<named_late>(4); }
TEST(vma_test, it_has_one_name) { expect_holds<named_twice>(2); }
TEST(vma_test, what_belongs_to_its_name_comes_with_it) { expect_holds<inherited>(2); }

TEST(vma_test, without_L1_at_set_live) { expect_caught<held_back>(source, "vma.L1"); }
TEST(vma_test, without_L1_at_kill) { expect_caught<replaced>(source, "vma.L1"); }
TEST(vma_test, without_L2) {
  expect_caught<held_back>(source, "vma.L2");
  expect_caught<replaced>(source, "vma.L2");
}
TEST(vma_test, looked_at_before_the_lock_a_page_is_left) {
  EXPECT_FALSE(search_at_random<unmap_and_fault<place_of_look::before_the_lock>>().holds);
}
TEST(vma_test, without_A1_after_A2) { expect_caught<named_late>(source, "vma.A1", without_acquire); }
TEST(vma_test, without_A2_before_A1) { expect_caught<named_late>(source, "vma.A2", without_release); }
TEST(vma_test, without_A1_before_A2) { expect_caught<inherited>(source, "vma.A1", without_release); }
TEST(vma_test, without_A2_after_A1) { expect_caught<inherited>(source, "vma.A2", without_acquire); }
TEST(vma_test, without_A1_before_A3) { expect_caught<named_twice>(source, "vma.A1", without_release); }
TEST(vma_test, without_A3) { expect_caught<named_twice>(source, "vma.A3"); }
TEST(vma_test, named_in_two_steps) { expect_caught<named_twice>(source, "vma.A1", torn); }

TEST(vma_test, each_ordering_has_a_twin_without_it) {
  expect_all_tags(source, {"vma.L1", "vma.L2", "vma.A1", "vma.A2", "vma.A3"});
}

}  // namespace
}  // namespace rcuvm::relacy
