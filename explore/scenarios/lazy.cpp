// SPDX-License-Identifier: Apache-2.0

/// Shootdowns that are left to the cpus' ticks: vm/lazy_zaps.hpp.

#include <sys/mman.h>

#include <memory>

#include "explore/scenarios/pages.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::uint64_t old_value = 1;
constexpr std::uint64_t new_value = 2;

constexpr address other = here + 2 * page_size;

/// A page at `here`, and a cpu that has its translation; another page keeps its table when the page goes.
template <class Design>
struct used_page {
  std::unique_ptr<small_space<Design>> in;
  std::unique_ptr<vm::cpu> user;

  explicit used_page(vm::shootdowns how) : in{space_with_page<Design>(old_value, how)} {
    in->map_at(in->cpu, other);
    in->put(in->cpu, other, old_value);
    user = std::make_unique<vm::cpu>(in->host);
    RCUVM_CHECK(in->get(*user, here) == old_value, "a read of the scenario");
  }
};

template <class Design>
void drop(small_space<Design>& in, vm::cpu& by, address at) {
  RCUVM_CHECK(in.space.advise(by, {at, at + page_size}, MADV_DONTNEED), "a DONTNEED of the scenario");
}

/// An unmapped frame is used anew, as soon as that may be, while another cpu has its old translation, and sweeps in between.
struct frame_reuse {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      used_page<Design> page{vm::shootdowns::lazily};
      auto& in = page.in;
      in->map_at(in->cpu, elsewhere);
      in->unmap(in->cpu, here);
      together(on_cpu("DONTNEED, reuse", *in,
                      [&in](vm::cpu& by) {
                        drop(*in, by, other);  // frees what has been swept
                        in->put(by, elsewhere, new_value);
                        RCUVM_PROMISE(in->get(by, elsewhere) == new_value,
                                      "F1: a page is written through an old translation");
                      }),
               on_this_cpu("access", *page.user, [&in](vm::cpu& by) {
                 std::ignore = in->try_put(by, here, 3);
                 by.tick();
                 std::ignore = in->try_put(by, here, 4);
               }));
      RCUVM_PROMISE(in->get(in->cpu, elsewhere) == new_value,
                    "F1: a page is written through an old translation");
    };
  }
};

/// Something is mapped at the address before the cpus have swept.
struct remap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      used_page<Design> page{vm::shootdowns::lazily};
      auto& in = page.in;
      together(on_cpu("munmap, mmap", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here);
                        in->map_at(by, here, 1, mm::map_flag::fixed_noreplace);
                      }),
               on_this_cpu("access", *page.user, [&in](vm::cpu& by) {
                 const auto got = in->get(by, here);
                 RCUVM_PROMISE(!got || *got == old_value || *got == 0, "F1: a page of somebody else");
               }));
      RCUVM_PROMISE(in->get(*page.user, here) == 0U, "F2: a new mapping shows an old page");
    };
  }
};

/// A page comes back where DONTNEED took one away, before the cpus have swept.
struct dontneed {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      used_page<Design> page{vm::shootdowns::lazily};
      auto& in = page.in;
      together(on_cpu("DONTNEED, write", *in,
                      [&in](vm::cpu& by) {
                        drop(*in, by, here);
                        in->put(by, here, new_value);
                      }),
               on_this_cpu("read", *page.user, [&in](vm::cpu& by) {
                 const auto got = in->get(by, here);
                 RCUVM_PROMISE(got == old_value || got == 0U || got == new_value,
                               "F1: a page of somebody else");
               }));
      RCUVM_PROMISE(in->get(*page.user, here) == new_value, "F2: an old page hides a new one");
    };
  }
};

/// What a program gives up for it: another cpu's access after munmap has returned.
struct late_access {
  vm::shootdowns how;
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [how = how] {
      used_page<Design> page{how};
      auto& in = page.in;
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }));
      RCUVM_PROMISE(!in->get(*page.user, here), "F1: a page is reached after munmap has returned");
    };
  }
};

}  // namespace

std::vector<scenario> lazy_scenarios() {
  return {
      for_all_designs("lazy-frame-reuse", "a freed frame is used anew, shootdowns left to ticks", "F1",
                      frame_reuse{}),
      for_all_designs("lazy-remap", "munmap, mmap at the same address, shootdowns left to ticks", "F2",
                      remap{}),
      for_all_designs("lazy-dontneed", "DONTNEED, a new page, an old translation, shootdowns left to ticks",
                      "F2", dontneed{}),
      for_all_designs("late-access", "another cpu's access after munmap has returned", "F1",
                      late_access{vm::shootdowns::at_once}),
      broken_under({all_of_them},
                   for_all_designs("lazy-late-access", "the same, with shootdowns left to ticks: the price",
                                   "F1", late_access{vm::shootdowns::lazily})),
  };
}

}  // namespace rcuvm::explore
