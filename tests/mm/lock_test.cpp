// SPDX-License-Identifier: Apache-2.0

/// mlock, munlock, mlockall: what is locked, what is populated, errors.

#include "rcuvm/mm/lock.hpp"

#include <gtest/gtest.h>

#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
class lock : public mm_test<Design> {
 protected:
  static std::string lock_pages(process<Design>& p, std::int64_t first, std::int64_t end) {
    return outcome(p.space().lock(p.cpu(), pages(first, end)));
  }
  static std::string unlock_pages(process<Design>& p, std::int64_t first, std::int64_t end) {
    return outcome(p.space().unlock(p.cpu(), pages(first, end)));
  }
  static std::string lock_all(process<Design>& p, int flags) {
    return outcome(p.space().lock_all(p.cpu(), flags));
  }
  static std::string unlock_all(process<Design>& p) { return lock_all(p, 0); }
};
TYPED_TEST_SUITE(lock, all_designs, design_names);

TYPED_TEST(lock, splits_populates_and_merges) {
  auto p = this->make("AAAABB");
  EXPECT_EQ(this->lock_pages(p, 1, 3), "ok");
  EXPECT_EQ(p.draw(), "ALLABB");
  EXPECT_EQ(p.cpu().count.pages_installed, 2U);
  EXPECT_EQ(this->unlock_pages(p, 0, 4), "ok");
  EXPECT_EQ(p.draw(), "AAAABB");
  EXPECT_EQ(outcome(p.space().lock(p.cpu(), {page_at(1) + 5, page_at(1) + 6}, true)),
            "ok");  // rounded outwards
  EXPECT_EQ(p.draw(), "A?AABB");
  EXPECT_EQ(p.cpu().count.pages_installed, 2U);  // on fault only
}

TYPED_TEST(lock, stops_at_a_hole_and_keeps_what_it_did) {
  auto p = this->make("AA..AA");
  EXPECT_EQ(this->lock_pages(p, 1, 5), "ENOMEM");
  EXPECT_EQ(p.draw(), "AL..AA");
  EXPECT_EQ(this->unlock_pages(p, 0, 5), "ENOMEM");
  EXPECT_EQ(p.draw(), "AA..AA");
  EXPECT_EQ(this->lock_pages(p, 2, 5), "ENOMEM");
  EXPECT_EQ(p.draw(), "AA..AA");
}

TYPED_TEST(lock, of_what_cannot_be_touched_locks_and_says_so) {
  auto p = this->make("DD");
  EXPECT_EQ(this->lock_pages(p, 0, 2), "ENOMEM");
  EXPECT_EQ(p.draw(), "??");
  EXPECT_EQ(this->unlock_pages(p, 0, 2), "ok");
  EXPECT_EQ(p.draw(), "DD");
  EXPECT_EQ(outcome(p.space().lock(p.cpu(), {page_at(0), ~address{0}})), "EINVAL");
  EXPECT_EQ(outcome(p.space().unlock(p.cpu(), {page_at(0), ~address{0}})), "EINVAL");
}

TYPED_TEST(lock, of_all_there_is_populates_what_can_be) {
  auto p = this->make("AA.BBDDyLL");
  EXPECT_EQ(p.map(12, 14, 'z'), "ok");  // the second page lies beyond the file
  EXPECT_EQ(this->lock_all(p, MCL_CURRENT), "ok");
  EXPECT_EQ(p.draw(), "LL.??|??|?LL..??");
  EXPECT_EQ(p.cpu().count.pages_installed, 8U);  // no access, no page; LL were there
  EXPECT_EQ(p.space().usage().locked_pages, 11);
  EXPECT_EQ(p.map(2, 3, 'A'), "ok");  // not what comes later
  EXPECT_EQ(p.draw(), "LLA??|??|?LL..??");
  EXPECT_EQ(this->unlock_all(p), "ok");
  EXPECT_EQ(p.draw(), "AAABBDDyAA..z{");
  EXPECT_EQ(p.space().usage().locked_pages, 0);
}

TYPED_TEST(lock, of_all_that_comes_locks_new_mappings_and_the_heap) {
  auto p = this->make("AA");
  p.space().set_break(page_at(8));
  EXPECT_EQ(this->lock_all(p, MCL_FUTURE), "ok");
  EXPECT_EQ(p.map(3, 5, 'A'), "ok");
  EXPECT_EQ(p.space().brk(p.cpu(), page_at(10)), page_at(10));
  EXPECT_EQ(p.draw(), "AA.LL...LL");
  EXPECT_EQ(p.cpu().count.pages_installed, 4U);
  auto child = p.fork();
  EXPECT_EQ(child.map(12, 13, 'A'), "ok");  // the child begins anew
  EXPECT_EQ(child.draw(), "AA.AA...AA..A");
  EXPECT_EQ(this->lock_all(p, MCL_FUTURE | MCL_ONFAULT), "ok");
  EXPECT_EQ(p.map(12, 14, 'A'), "ok");
  EXPECT_EQ(p.cpu().count.pages_installed, 4U);
  EXPECT_EQ(p.draw(), "AA.LL...LL..??");
  EXPECT_EQ(this->lock_all(p, MCL_CURRENT), "ok");  // now, and no more from now on
  EXPECT_EQ(p.map(16, 17, 'A'), "ok");
  EXPECT_EQ(p.draw(), "LL.LL...LL..LL..A");
}

TYPED_TEST(lock, of_all_there_is_on_fault_populates_nothing) {
  auto p = this->make("AA.BB");
  EXPECT_EQ(this->lock_all(p, MCL_CURRENT | MCL_ONFAULT), "ok");
  EXPECT_EQ(p.cpu().count.pages_installed, 0U);
  EXPECT_EQ(p.draw(), "??.??");
  EXPECT_EQ(p.space().usage().locked_pages, 4);
}

TYPED_TEST(lock, of_all_refuses_what_the_kernel_refuses) {
  auto p = this->make("AAAA");
  EXPECT_EQ(this->lock_all(p, 8), "EINVAL");
  EXPECT_EQ(this->lock_all(p, MCL_ONFAULT), "EINVAL");
  p.space().set_limits({.locked_bytes = 3 * page_size});
  EXPECT_EQ(this->lock_all(p, MCL_CURRENT), "ENOMEM");
  EXPECT_EQ(p.draw(), "AAAA");
  EXPECT_EQ(this->lock_all(p, MCL_FUTURE), "ok");
  EXPECT_EQ(p.map(6, 10, 'A'), "EAGAIN");
  p.space().set_break(page_at(12));
  EXPECT_EQ(p.space().brk(p.cpu(), page_at(16)), page_at(12));
  p.space().set_limits({.locked_bytes = 0});
  EXPECT_EQ(this->lock_all(p, MCL_FUTURE), "EPERM");
  EXPECT_EQ(this->unlock_all(p), "ok");
}

// Found by diff-kernel, seed 119: what mlockall has merged is populated as one mapping, up to the first page that cannot be.
TYPED_TEST(lock, all_populates_mappings_as_they_are_then) {
  auto p = this->make("AAAA");
  EXPECT_EQ(p.advise(0, 1, mm::guard_install), "ok");
  EXPECT_EQ(this->lock_all(p, MCL_CURRENT), "ok");
  EXPECT_EQ(outcome(p.space().unlock(p.cpu(), pages(2, 3))), "ok");
  EXPECT_EQ(this->lock_all(p, MCL_CURRENT), "ok");
  EXPECT_EQ(p.space().count_pages(pages(0, 4)).anonymous, 0U);
}

}  // namespace
}  // namespace rcuvm::mm::testing
