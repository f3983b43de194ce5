// SPDX-License-Identifier: Apache-2.0

/// Faults and accesses beside changes: F1, F2, F3, M1.

#include <sys/mman.h>

#include <memory>

#include "explore/scenarios/pages.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::uint64_t old_value = 1;
constexpr std::uint64_t new_value = 2;

/// The fault that installs after the zap.
struct fault_beside_munmap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here);
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }),
               on_cpu("access", *in, [&in](vm::cpu& by) { std::ignore = in->try_put(by, here, old_value); }));
      RCUVM_PROMISE(!in->get(in->cpu, here), "F1, F3: a page is reached after munmap has returned");
    };
  }
};

/// As many changes while one fault is under way as would make a narrow sequence count wrap.
struct fault_beside_two_changes {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here);
      together(on_cpu("munmap, mmap elsewhere", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here);
                        in->map_at(by, elsewhere);
                      }),
               on_cpu("access", *in, [&in](vm::cpu& by) { std::ignore = in->try_put(by, here, old_value); }));
      RCUVM_PROMISE(!in->get(in->cpu, here), "F1, F3: a page is reached after munmap has returned");
    };
  }
};

/// munmap, mmap at the same address before the grace period is over, an access on another cpu.
struct remap_beside_access {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      together(on_cpu("munmap, mmap", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here);
                        in->map_at(by, here, 1, mm::map_flag::fixed_noreplace);
                        RCUVM_PROMISE(in->get(by, here) == 0U, "F2: a new mapping shows an old page");
                      }),
               on_cpu("access", *in, [&in](vm::cpu& by) {
                 const auto got = in->get(by, here);
                 RCUVM_PROMISE(!got || *got == old_value || *got == 0, "F1: a page of somebody else");
               }));
      RCUVM_PROMISE(in->get(in->cpu, here) == 0U, "F2: a new mapping shows an old page");
    };
  }
};

/// A fault in one page of a mapping, while all of it is unmapped and something else is mapped there.
struct remap_beside_fault {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here, 2);
      in->put(in->cpu, here, old_value);
      together(on_cpu("munmap, mmap", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here, 2);
                        in->map_at(by, here, 1, mm::map_flag::fixed_noreplace);
                        RCUVM_PROMISE(in->get(by, here) == 0U, "F2: a new mapping shows an old page");
                        in->put(by, here, new_value);
                      }),
               on_cpu("fault", *in,
                      [&in](vm::cpu& by) { std::ignore = in->try_put(by, here + page_size, old_value); }));
      RCUVM_PROMISE(in->get(in->cpu, here) == new_value, "F2: a new mapping loses its page");
    };
  }
};

/// MAP_FIXED over a mapping with a page.
struct map_fixed_beside_access {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      together(on_cpu("MAP_FIXED", *in,
                      [&in](vm::cpu& by) {
                        in->map_at(by, here);
                        RCUVM_PROMISE(in->get(by, here) == 0U, "F2: a new mapping shows an old page");
                      }),
               on_cpu("access", *in, [&in](vm::cpu& by) {
                 const auto first = in->get(by, here);
                 const auto then = in->get(by, here);
                 if (first == 0U) RCUVM_PROMISE(then == 0U, "F2: an old page comes back");
               }));
    };
  }
};

/// A page freed on one cpu is taken at once by another mapping, while a third thread still has its translation.
struct frame_reuse {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here);
      in->map_at(in->cpu, elsewhere);
      in->put(in->cpu, here, old_value);
      together(on_cpu("munmap, reuse", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here);
                        in->put(by, elsewhere, new_value);
                        RCUVM_PROMISE(in->get(by, elsewhere) == new_value,
                                      "F1: a page is written through an old translation");
                      }),
               on_cpu("access", *in, [&in](vm::cpu& by) {
                 std::ignore = in->try_put(by, here, 3);
                 std::ignore = in->try_put(by, here, 4);
               }));
      RCUVM_PROMISE(in->get(in->cpu, elsewhere) == new_value,
                    "F1: a page is written through an old translation");
    };
  }
};

/// munmap beside a MAP_FIXED over the same page: whoever comes last has the last word, pages included.
struct two_writers_of_a_page {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }),
               on_cpu("MAP_FIXED, write", *in, [&in](vm::cpu& by) {
                 in->map_at(by, here);
                 std::ignore = in->try_put(by, here, new_value);
               }));
      const auto got = in->get(in->cpu, here);
      RCUVM_PROMISE(!got || *got == new_value,
                    "F2: a new mapping loses its page to an munmap that came before it");
    };
  }
};

/// Two munmaps that each cut a page off the same mapping.
struct two_cuts_of_a_mapping {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      constexpr address middle = here + page_size;
      constexpr address last = here + 2 * page_size;
      in->map_at(in->cpu, here, 3);
      in->put(in->cpu, middle, old_value);
      in->put(in->cpu, last, old_value);
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }),
               on_cpu("another munmap", *in, [&in](vm::cpu& by) { in->unmap(by, last); }));
      RCUVM_PROMISE(!in->get(in->cpu, here) && !in->get(in->cpu, last),
                    "F1: a change is lost: a page is reached after munmap has returned");
      RCUVM_PROMISE(in->get(in->cpu, middle) == old_value, "F2: a page is lost beside an munmap");
    };
  }
};

/// A page is held on to by its frame, beside an munmap that frees it, and another mapping that wants a frame.
struct pin_beside_munmap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      pin_beside(*in, "munmap, reuse", old_value, [&in](vm::cpu& by) { in->unmap(by, here); });
    };
  }
};

/// The same beside an mremap, which takes the page away and its table along.
struct pin_beside_move {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      pin_beside(*in, "mremap, reuse", old_value, [&in](vm::cpu& by) { in->move(by, here, further); });
      RCUVM_PROMISE(in->get(in->cpu, further) == old_value, "F2: the moved mapping loses its page");
    };
  }
};

/// Nothing is in the table any more, so that munmap has nothing to shoot down but the table itself.
struct pin_beside_table {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      RCUVM_CHECK(in->space.advise(in->cpu, {here, here + page_size}, MADV_DONTNEED), "a DONTNEED");
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }),
               on_cpu("pin", *in, [&in](vm::cpu& by) {
                 RCUVM_PROMISE(in->space.pin_fast(by, here, vm::access::read) == vm::no_frame,
                               "F1: a page that nobody has put there");
               }));
    };
  }
};

/// A fault beside a change elsewhere: whether it starts again for nothing.
struct fault_beside_unrelated_change {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here);
      together(on_cpu("mmap elsewhere", *in, [&in](vm::cpu& by) { in->map_at(by, elsewhere); }),
               on_cpu("fault", *in, [&in](vm::cpu& by) {
                 RCUVM_CHECK(in->space.fault(by, here, vm::access::read), "a fault of the scenario");
                 RCUVM_PROMISE(by.count.retries_spurious == 0, "a fault starts again for a change elsewhere");
               }));
    };
  }
};

/// An empty table is cut off while a fault wants to put a page into it.
struct reclaim_beside_fault {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }),
               on_cpu("mmap, fault", *in, [&in](vm::cpu& by) {
                 in->map_at(by, here + page_size);
                 in->put(by, here + page_size, new_value);
                 RCUVM_PROMISE(in->get(by, here + page_size) == new_value,
                               "F3: a page is lost with its table");
               }));
      RCUVM_PROMISE(in->get(in->cpu, here + page_size) == new_value, "F3: a page is lost with its table");
      RCUVM_PROMISE(!in->get(in->cpu, here), "F1: a page is reached after munmap has returned");
    };
  }
};

/// mremap takes a page along; an access on another cpu finds it at one of the two places, or nothing.
struct move_beside_access {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      together(on_cpu("mremap", *in, [&in](vm::cpu& by) { in->move(by, here, elsewhere); }),
               on_cpu("access", *in, [&in](vm::cpu& by) {
                 const auto at_new = in->get(by, elsewhere);
                 RCUVM_PROMISE(!at_new || *at_new == old_value, "F2: the moved mapping shows another page");
                 const auto at_old = in->get(by, here);
                 RCUVM_PROMISE(!at_old || *at_old == old_value,
                               "F2: the mapping shows a page that is not its own");
                 RCUVM_PROMISE(!at_new || !at_old, "F1: the old place is there after the new one");
               }));
      RCUVM_PROMISE(in->get(in->cpu, elsewhere) == old_value, "F2: the page is lost on its way");
      RCUVM_PROMISE(!in->get(in->cpu, here), "F1: a page is reached after mremap has returned");
    };
  }
};

/// mprotect takes the right to write away.
struct protect_beside_write {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      std::optional<std::uint64_t> seen;
      together(on_cpu("mprotect", *in,
                      [&in, &seen](vm::cpu& by) {
                        RCUVM_CHECK(in->space.protect(by, {here, here + page_size}, {vm::prot::read}),
                                    "an mprotect");
                        seen = in->get(by, here);
                      }),
               on_cpu("write", *in, [&in](vm::cpu& by) {
                 std::ignore = in->try_put(by, here, 2);
                 std::ignore = in->try_put(by, here, 3);
               }));
      RCUVM_PROMISE(in->get(in->cpu, here) == seen, "F3: a write gets through after mprotect has returned");
    };
  }
};

/// mremap takes two pages along, the second of which is being faulted in, and needs a table that the first does not.
struct move_beside_fault {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here, 2);
      in->put(in->cpu, here, old_value);
      constexpr address target = elsewhere + 7 * page_size;
      together(on_cpu("mremap", *in, [&in](vm::cpu& by) { in->move(by, here, target, 2); }),
               on_cpu("write", *in, [&in](vm::cpu& by) {
                 if (!in->try_put(by, here + page_size, new_value))
                   std::ignore = in->try_put(by, target + page_size, new_value);
               }));
      RCUVM_PROMISE(in->get(in->cpu, target) == old_value, "F2: the page is lost on its way");
      RCUVM_PROMISE(in->get(in->cpu, target + page_size) == new_value, "F2: the write is lost on its way");
    };
  }
};

/// A search for a place beside an munmap, and a fault that may still be in what was there.
struct gap_beside_munmap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      together(on_cpu("munmap", *in, [&in](vm::cpu& by) { in->unmap(by, here); }),
               on_cpu("mmap", *in,
                      [&in](vm::cpu& by) {
                        const auto at =
                            in->space.map(by, {.hint = here, .length = page_size, .protection = read_write});
                        RCUVM_CHECK(at.has_value(), "an mmap of the scenario");
                        RCUVM_PROMISE(in->get(by, *at) == 0U, "F2: a new mapping shows an old page");
                      }),
               on_cpu("access", *in, [&in](vm::cpu& by) { std::ignore = in->get(by, here); }));
    };
  }
};

/// munmap, and an mremap onto the same addresses before the grace period is over.
struct move_over_dead {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here);
      in->map_at(in->cpu, elsewhere);
      in->put(in->cpu, here, old_value);
      in->put(in->cpu, elsewhere, new_value);
      together(on_cpu("munmap, mremap", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here);
                        in->move(by, elsewhere, here);
                        RCUVM_PROMISE(in->get(by, here) == new_value,
                                      "F2: the moved mapping shows an old page");
                      }),
               on_cpu("access", *in, [&in](vm::cpu& by) {
                 const auto got = in->get(by, here);
                 RCUVM_PROMISE(!got || *got == old_value || *got == new_value, "F1: a page of somebody else");
               }));
      RCUVM_PROMISE(in->get(in->cpu, here) == new_value, "F2: the moved mapping shows an old page");
    };
  }
};

/// The address space goes away while its dead entries wait for a reader.
struct exit_after_munmap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      auto in = space_with_page<Design>(old_value);
      const auto finds = [&in] {
        const sync::rcu::registration registered{"reader"};
        std::size_t lines = 0;
        in->space.walk_chunked(8, [&](const vm::vma& one) { lines += one.where().is_empty() ? 0 : 1; });
        RCUVM_PROMISE(lines <= 3, "G4: a line too many");
      };
      together(on_cpu("munmap, exit", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here);
                        in->space.exit(by);
                      }),
               world::thread_body{"reader", finds});
      in.reset();
    };
  }
};

}  // namespace

std::vector<scenario> page_scenarios() {
  return {
      for_all_designs("late-install", "a fault beside munmap: it must not install a page after the zap", "F3",
                      fault_beside_munmap{}),
      for_all_designs("two-changes",
                      "a fault beside an munmap and a change elsewhere: the count is not as before", "F3",
                      fault_beside_two_changes{}),
      for_all_designs("stale-pte", "munmap, mmap at the same address, an access on another cpu", "F2",
                      remap_beside_access{}),
      broken_under({"mm-seq"}, for_all_designs("unrelated-change",
                                               "a fault beside an mmap elsewhere starts again for nothing",
                                               "no spurious retry", fault_beside_unrelated_change{})),
      broken_under(
          {"refcount"},
          for_all_designs("held-vma",
                          "munmap and mmap at the same address, a fault in another page of the mapping", "F2",
                          remap_beside_fault{})),
      for_all_designs("map-fixed", "MAP_FIXED over a mapping, an access on another cpu", "F2",
                      map_fixed_beside_access{}),
      for_all_designs("frame-reuse", "a freed frame is used anew while another cpu has its translation", "F1",
                      frame_reuse{}),
      for_all_designs("two-writers", "munmap beside a MAP_FIXED over the same page, and a write to it", "F2",
                      two_writers_of_a_page{}),
      for_all_designs("two-cuts", "two munmaps at the ends of one mapping", "F1", two_cuts_of_a_mapping{}),
      for_all_designs("pin", "a lock-free get_user_pages beside munmap and the reuse of its frame", "F1",
                      pin_beside_munmap{}),
      for_all_designs("pin-table", "a lock-free get_user_pages beside munmap, which frees the table it walks",
                      "M1", pin_beside_table{}),
      for_all_designs("pin-move", "a lock-free get_user_pages beside mremap, which frees the table it walks",
                      "M1", pin_beside_move{}),
      for_all_designs("table-reclaim", "an empty table is cut off beside a fault into it", "F3",
                      reclaim_beside_fault{}),
      for_all_designs("move-pages", "mremap moves a page, an access on another cpu", "F2",
                      move_beside_access{}),
      for_all_designs("protect", "mprotect beside a write", "F3", protect_beside_write{}),
      for_all_designs("move-fault", "mremap beside a fault in what it moves", "F2", move_beside_fault{}),
      for_all_designs("gap-beside-dead", "a search for a place beside an munmap", "F2", gap_beside_munmap{}),
      for_all_designs("move-over-dead", "munmap, mremap onto the same addresses, an access on another cpu",
                      "F2", move_over_dead{}),
      for_all_designs("exit", "munmap and exit beside a walk: dead entries are drained", "M1",
                      exit_after_munmap{}),
  };
}

}  // namespace rcuvm::explore
