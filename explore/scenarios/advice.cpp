// SPDX-License-Identifier: Apache-2.0

/// Calls that find and keep a mapping as faults do, beside changes of it: madvise about pages, a walk of the page tables as smaps has
/// it.

#include <sys/mman.h>

#include <memory>

#include "explore/scenarios/pages.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::uint64_t old_value = 1;
constexpr std::uint64_t new_value = 2;

template <class Design>
void drop(small_space<Design>& in, vm::cpu& by) {
  std::ignore = in.space.advise(by, {here, here + page_size}, MADV_DONTNEED);
}

/// Another cpu, which has the translation of the page at `here`. That page is not the only one of its table, which would be shot down
/// with it.
template <class Design>
[[nodiscard]] std::unique_ptr<vm::cpu> used_cpu(small_space<Design>& in) {
  in.map_at(in.cpu, here + 2 * page_size);
  auto made = std::make_unique<vm::cpu>(in.host);
  RCUVM_CHECK(in.get(*made, here) == old_value, "a read of the scenario");
  return made;
}

/// One call finds the page's entry cleared by another, which has not shot it down yet; the cpu of the one has the translation.
struct dontneed_beside_munmap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      const auto used = used_cpu(*in);
      together(on_cpu("DONTNEED", *in, [&in](vm::cpu& by) { drop(*in, by); }),
               on_this_cpu("munmap, read", *used, [&in](vm::cpu& by) {
                 in->unmap(by, here);
                 RCUVM_PROMISE(!in->get(by, here), "F1: a page is reached after munmap has returned");
               }));
    };
  }
};

struct two_dontneeds {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      const auto used = used_cpu(*in);
      together(on_cpu("DONTNEED", *in, [&in](vm::cpu& by) { drop(*in, by); }),
               on_this_cpu("DONTNEED, read", *used, [&in](vm::cpu& by) {
                 drop(*in, by);
                 RCUVM_PROMISE(in->get(by, here) == 0U, "F1: a page is reached after DONTNEED has returned");
               }));
    };
  }
};

/// A locked mapping takes the place of one that DONTNEED has found: its pages must stay.
struct dontneed_beside_lock {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      together(on_cpu("DONTNEED", *in, [&in](vm::cpu& by) { drop(*in, by); }),
               on_cpu("MAP_FIXED, mlock, write", *in, [&in](vm::cpu& by) {
                 in->map_at(by, here);
                 RCUVM_CHECK(in->space.lock(by, {here, here + page_size}), "an mlock of the scenario");
                 in->put(by, here, new_value);
               }));
      RCUVM_PROMISE(in->get(in->cpu, here) == new_value, "F2: a locked mapping loses its page");
    };
  }
};

/// mremap takes a page along that DONTNEED wants to take away.
struct dontneed_beside_mremap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      const auto used = used_cpu(*in);
      together(on_cpu("DONTNEED", *in, [&in](vm::cpu& by) { drop(*in, by); }),
               on_this_cpu("mremap, read, write", *used, [&in](vm::cpu& by) {
                 in->move(by, here, elsewhere);
                 RCUVM_PROMISE(!in->get(by, here), "F1: a page is reached after mremap has returned");
                 const auto moved = in->get(by, elsewhere);
                 RCUVM_PROMISE(moved == old_value || moved == 0U, "F2: the page is lost on its way");
                 in->put(by, elsewhere, new_value);
               }));
      RCUVM_PROMISE(in->get(in->cpu, elsewhere) == new_value, "F2: the moved mapping loses its page");
    };
  }
};

/// A walk of the page tables beside an munmap that cuts a table off.
struct smaps_beside_munmap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      constexpr range all{below, above + page_size};
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }),
               walk_of_smaps(*in, all, 1));
      RCUVM_PROMISE(in->space.count_pages(all).anonymous == 0,
                    "F1: a page is there after munmap has returned");
    };
  }
};

/// The same beside an mremap: the walk may meet the page before and after its move, or neither time, but no other one.
struct smaps_beside_mremap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      constexpr range all{below, elsewhere + page_size};
      together(on_cpu("mremap", *in, [&in](vm::cpu& by) { in->move(by, here, elsewhere); }),
               walk_of_smaps(*in, all, 2));
      RCUVM_PROMISE(in->space.count_pages(all).anonymous == 1, "F2: the page is lost on its way");
    };
  }
};

}  // namespace

std::vector<scenario> advice_scenarios() {
  return {
      broken_under({"refcount"},
                   for_all_designs("dontneed-munmap",
                                   "DONTNEED and munmap of one page: both shoot it down before they return",
                                   "F1", dontneed_beside_munmap{})),
      for_all_designs("two-dontneeds",
                      "DONTNEED of one page on two cpus: both shoot it down before they return", "F1",
                      two_dontneeds{}),
      for_all_designs("dontneed-lock", "DONTNEED beside a locked mapping that takes the place", "F2",
                      dontneed_beside_lock{}),
      for_all_designs("dontneed-move", "DONTNEED beside an mremap of the page", "F2",
                      dontneed_beside_mremap{}),
      for_all_designs("smaps", "a walk of the page tables beside an munmap", "F1", smaps_beside_munmap{}),
      for_all_designs("smaps-move", "a walk of the page tables beside an mremap", "F1",
                      smaps_beside_mremap{}),
  };
}

}  // namespace rcuvm::explore
