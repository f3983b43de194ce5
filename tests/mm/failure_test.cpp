// SPDX-License-Identifier: Apache-2.0

/// M3: memory runs out at every single allocation of every verb. The call says so and leaves everything as it was before, or it
/// has another way and succeeds.

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rcuvm/sync/memory.hpp"
#include "tests/mm/failing_new.hpp"
#include "tests/mm/picture.hpp"

namespace rcuvm::mm::testing {
namespace {

template <class Design>
struct scenario {
  std::string name;
  std::string picture;  ///< H: the heap
  std::string text;     ///< what is written before the call
  std::function<std::string(process<Design>&)> call;
  /// Under a design with dead entries, what stands here is unmapped first and waited for: it is gone even if the rest fails.
  std::optional<range> target = {};
  /// How far a call of two steps may have come.
  std::string half_done = {};
};

template <class Design>
std::string move_break(process<Design>& p, std::int64_t to) {
  return p.space().brk(p.cpu(), page_at(to)) == page_at(to) ? "ok" : "ENOMEM";
}

template <class Design>
std::vector<scenario<Design>> scenarios() {
  using p = process<Design>;
  const auto advice = [](int value) { return [value](p& on) { return on.advise(1, 5, value); }; };
  return {
      {"map", "AA..AA", "ab", [](p& on) { return on.map(2, 4, 'B'); }},
      {"map that merges", "AA..AA", "a", [](p& on) { return on.map(2, 4, 'A'); }},
      {"map shared", "AA", "a", [](p& on) { return on.map(4, 6, 'S'); }},
      {"map over", "AAABBBcdef", "abc...xy", [](p& on) { return on.map(1, 9, 'C'); }, pages(1, 9)},
      {"map populated", "AA", "ab",
       [](p& on) { return on.map(7, 9, 'A', {map_flag::fixed, map_flag::populate}); }},
      {"unmap", "AAABBBcdef", "abc...xy", [](p& on) { return on.unmap(1, 9); }},
      {"unmap in the middle", "AAAAAA", "abcdef", [](p& on) { return on.unmap(2, 4); }},
      {"protect that splits", "AAAAAA", "abcdef", [](p& on) { return on.protect(2, 4, can_read); }},
      {"protect that merges", "AABBAA", "ab..ef", [](p& on) { return on.protect(2, 4, can_write); }},
      {"shrink", "AAAA", "abcd", [](p& on) { return on.resize(0, 4, 2); }},
      {"grow", "AA..", "ab", [](p& on) { return on.resize(0, 2, 4); }},
      {"move", "AAAA", "abcd", [](p& on) { return on.move(1, 3, 7, 10); }},
      {"move over", "AAAA..BBcd", "abcd....x", [](p& on) { return on.move(1, 4, 7, 9); }, pages(7, 9)},
      {"move and keep", "AAAA", "abcd", [](p& on) { return on.move(1, 3, 7, 9, remap_flag::dont_unmap); }},
      {"duplicate", "SSSS", "abcd", [](p& on) { return on.move(1, 1, 7, 9); }},
      {"brk up", "..A.HH", "..a.xy", [](p& on) { return move_break(on, 9); }},
      {"brk down", "..HHHH", "..abcd", [](p& on) { return move_break(on, 4); }},
      {"dontneed", "AAAAAA", "abcdef", advice(MADV_DONTNEED)},
      {"advise", "AAAAAA", "abcdef", advice(MADV_DONTFORK)},
      {"populate", "AAAABB", "a", advice(MADV_POPULATE_READ)},
      {"fault", "AA", "", [](p& on) { return on.touch(0, 2); }},
      {"fault in a file", "ab", "", [](p& on) { return on.touch(0, 2); }},
      {"fault in shared memory", "S3", "", [](p& on) { return on.touch(0, 2); }},
      {"fault below a stack",
       "......GG",
       "",
       [](p& on) {
         const std::string got = on.touch(4, 5);
         return got == "EFAULT" ? "ENOMEM" : got;  // SIGSEGV when it cannot grow, as the kernel
       },
       {},
       "....GGGG"},
      {"fork", "AAB.cdSS", "ab..xyz",
       [](p& on) {
         auto child = on.space().fork(on.cpu());
         return child ? "ok" : "ENOMEM";
       }},
      {"exit", "AAB.cdSS", "ab..xyz",
       [](p& on) {
         on.space().exit(on.cpu());
         return on.draw().empty() ? "ok" : "ENOMEM";
       }},
  };
}

/// How it looks and what is in it.
template <class Design>
std::string state(process<Design>& p) {
  std::string drawn = p.draw();
  return drawn + " " + p.text();
}

template <class Design>
class allocation_failure : public mm_test<Design> {
 protected:
  process<Design> start(const scenario<Design>& of) {
    const auto heap = static_cast<std::int64_t>(of.picture.find('H'));
    process<Design> made =
        this->make(of.picture.substr(0, of.picture.find('H')), {.stack_guard_gap = 2 * page_size});
    if (heap != -1) {
      made.space().set_break(page_at(heap));
      EXPECT_EQ(move_break(made, static_cast<std::int64_t>(of.picture.size())), "ok");
    }
    EXPECT_EQ(made.fill(of.text), "ok");
    return made;
  }

  /// `Fail` is made with a number, and told has_failed().
  template <class Fail>
  void at_every_allocation(const scenario<Design>& of, Fail fail) {
    SCOPED_TRACE(of.name);
    auto untouched = start(of);
    const std::string before = state(untouched);
    auto done = start(of);
    EXPECT_EQ(of.call(done), "ok");
    const std::string after = state(done);
    std::string without_target;
    if (Design::leaves_tombstones && of.target) {
      auto unmapped = start(of);
      EXPECT_EQ(outcome(unmapped.space().unmap(unmapped.cpu(), *of.target)), "ok");
      without_target = state(unmapped);
    }
    std::uint64_t nth = 1;
    for (; nth < 1000 && !::testing::Test::HasFailure(); ++nth) {
      SCOPED_TRACE("allocation " + std::to_string(nth));
      auto p = start(of);
      std::string got;
      bool has_failed = false;
      {
        auto failing = fail(nth);
        got = of.call(p);
        has_failed = failing->has_failed();
      }
      const std::string now = state(p);
      if (got == "ok") {
        EXPECT_EQ(now, after);
      } else {
        EXPECT_EQ(got, "ENOMEM");
        const bool is_half_done =
            now == without_target || (!of.half_done.empty() && now.starts_with(of.half_done));
        if (!is_half_done) {
          EXPECT_EQ(now, before);
        }
      }
      if (!has_failed) break;
    }
    EXPECT_LT(nth, 1000U);
    tried_ += nth - 1;
  }

  std::uint64_t tried_ = 0;
};
TYPED_TEST_SUITE(allocation_failure, all_designs, design_names);

TYPED_TEST(allocation_failure, M3_once_leaves_everything_as_it_was) {
  for (const auto& each : scenarios<TypeParam>()) {
    this->at_every_allocation(
        each, [](std::uint64_t nth) { return std::make_unique<sync::memory::failing_allocations>(nth); });
  }
  EXPECT_GT(this->tried_, 100U);
}

TYPED_TEST(allocation_failure, M3_for_good_leaves_everything_as_it_was) {
  for (const auto& each : scenarios<TypeParam>()) {
    this->at_every_allocation(each, [](std::uint64_t nth) {
      return std::make_unique<sync::memory::failing_allocations>(
          nth, sync::memory::failing_allocations::how::for_good);
    });
  }
}

TYPED_TEST(allocation_failure, M3_in_the_standard_library_too) {
  if (!failing_new::works) GTEST_SKIP() << "ThreadSanitizer keeps its own operator new";
  for (const auto& each : scenarios<TypeParam>()) {
    this->at_every_allocation(each, [](std::uint64_t nth) { return std::make_unique<failing_new>(nth); });
  }
}

}  // namespace
}  // namespace rcuvm::mm::testing
