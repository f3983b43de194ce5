// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs a protocol's suite in Relacy, whole or with one ordering taken out.
///
///   struct suite : rl::test_suite<suite, 2> { void before(); void thread(unsigned index); void after(); };

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <new>
#include <ostream>
#include <set>
#include <streambuf>
#include <string>

#include "rcuvm/sync/memory.hpp"
#include "tests/relacy/seam/engine.hpp"
#include "tests/relacy/seam/weakening.hpp"

namespace rcuvm::relacy {

/// What a search says, in a place of its own: inside a search the heap is Relacy's.
class fixed_text : public std::streambuf {
 public:
  fixed_text() { clear(); }
  fixed_text(const fixed_text&) = delete;  // a stream buffer's pointers would still be into the other's text
  fixed_text& operator=(const fixed_text&) = delete;

  void clear() { setp(text_.data(), text_.data() + text_.size()); }
  [[nodiscard]] std::string text() const { return {pbase(), pptr()}; }

 private:
  std::array<char, 1U << 16U> text_;
};

struct outcome {
  bool holds;
  std::uint64_t iterations;  ///< until the failure, or all
  std::string failure;       ///< in Relacy's words
  std::string history;       ///< of the execution that failed
};

template <class Suite>
[[nodiscard]] outcome search(rl::scheduler_type_e scheduler, unsigned context_bound,
                             std::uint64_t iterations) {
  static fixed_text said;
  said.clear();
  std::ostream out{&said};
  rl::test_params how;
  how.search_type = scheduler;
  how.context_bound = context_bound;
  how.iteration_count = iterations;
  how.execution_depth_limit = 400;
  how.output_stream = &out;
  how.progress_stream = &out;
  const bool holds = rl::simulate<Suite>(how);
  return {.holds = holds,
          .iterations = how.stop_iteration,
          .failure = rl::test_result_str(how.test_result),
          .history = said.text()};
}

/// Random schedules know values up to two stores old; the systematic searches, one.
template <class Suite>
[[nodiscard]] outcome search_at_random(std::uint64_t iterations = 50'000) {
  return search<Suite>(rl::sched_random, 0, iterations);
}
/// All schedules with up to that many preemptions.
template <class Suite>
[[nodiscard]] outcome search_bounded(unsigned preemptions) {
  return search<Suite>(rl::sched_bound, preemptions, 0);
}

template <class Suite>
void expect_holds(unsigned preemptions) {
  const outcome bounded = search_bounded<Suite>(preemptions);
  EXPECT_TRUE(bounded.holds) << bounded.history;
  const outcome random = search_at_random<Suite>();
  EXPECT_TRUE(random.holds) << random.history;
  std::cout << "all " << bounded.iterations << " executions of up to " << preemptions << " preemptions, "
            << random.iterations << " random ones\n";
}

[[nodiscard]] inline const char* name_of(weakening::how how) noexcept {
  switch (how) {
    case weakening::how::relaxed: return "relaxed";
    case weakening::how::without_acquire: return "without acquire";
    case weakening::how::without_release: return "without release";
    case weakening::how::torn: return "torn";
  }
  return "";
}

/// One ordering taken out: Relacy must notice.
template <class Suite>
void expect_caught(const std::string& file, const std::string& tag,
                   weakening::how how = weakening::how::relaxed) {
  const weakening weak{file, tag, how};
  ASSERT_TRUE(weak.is_of_any_line()) << "no access of " << file << " carries " << tag;
  const char* kind = "random";
  outcome found = search_at_random<Suite>();
  if (found.holds) {  // a livelock needs one choice made again and again
    kind = "systematic";
    found = search_bounded<Suite>(2);
  }
  EXPECT_FALSE(found.holds) << tag << " taken out: nothing noticed in " << found.iterations << " iterations";
  std::cout << tag << ' ' << name_of(how) << ": " << found.failure << " in " << kind << " execution "
            << found.iterations << "\n";
}

/// The tags of a file's accesses that have a twin without them.
inline void expect_all_tags(const std::string& file, const std::set<std::string>& have_twins) {
  std::set<std::string> there;
  for (const auto& [tag, lines] : tags_of(file)) there.insert(tag);
  EXPECT_EQ(there, have_twins) << file;
}

/// An object of a suite that is aligned more strictly than Relacy aligns the suite.
template <class T>
class aligned {
 public:
  aligned() : object_{sync::memory::make<T>()} {}
  ~aligned() { sync::memory::destroy(object_); }
  aligned(const aligned&) = delete;
  aligned& operator=(const aligned&) = delete;

  [[nodiscard]] T* operator->() noexcept { return object_; }
  [[nodiscard]] T& operator*() noexcept { return *object_; }

 private:
  T* object_;
};

}  // namespace rcuvm::relacy
