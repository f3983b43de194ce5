// SPDX-License-Identifier: Apache-2.0

/// fork beside accesses, and what parent and child have both afterwards: F1, F2, F3.

#include <memory>
#include <optional>

#include "explore/scenarios/pages.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::uint64_t old_value = 1;
constexpr std::uint64_t new_value = 2;

/// fork beside a write: what the child has seen once, it sees for ever.
struct fork_beside_write {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      std::unique_ptr<address_space<Design>> child;
      std::optional<std::uint64_t> first;
      together(on_cpu("fork", *in,
                      [&](vm::cpu& by) {
                        child = in->space.fork(by);
                        first = get_from(*child, by, here);
                      }),
               on_cpu("write", *in, [&in](vm::cpu& by) {
                 in->put(by, here, 2);
                 in->put(by, here, 3);
               }));
      RCUVM_PROMISE(first == get_from(*child, in->cpu, here), "F2: a write after fork is seen by the child");
      RCUVM_PROMISE(in->get(in->cpu, here) == 3U, "F2: a write is lost in fork");
      child->exit(in->cpu);
    };
  }
};

/// fork beside two writers of one page: the one faults and copies it, the other still has a writable translation.
struct fork_beside_two_writes {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      constexpr address second = here + sizeof(std::uint64_t);
      in->map_at(in->cpu, here);
      const auto other = std::make_unique<vm::cpu>(in->host);
      in->put(*other, second, old_value);
      std::unique_ptr<address_space<Design>> child;
      together(on_cpu("fork", *in, [&](vm::cpu& by) { child = in->space.fork(by); }),
               on_cpu("write", *in, [&in](vm::cpu& by) { in->put(by, here, 2); }),
               on_this_cpu("write by TLB", *other, [&in](vm::cpu& by) { in->put(by, second, 3); }));
      RCUVM_PROMISE(in->get(in->cpu, here) == 2U, "F2: a write is lost in fork");
      RCUVM_PROMISE(in->get(in->cpu, second) == 3U, "F2: a write is lost in fork");
      child->exit(in->cpu);
    };
  }
};

/// fork beside writes to two pages of one mapping, of which the first is not there yet: the child has not the second alone.
struct fork_beside_writes_in_order {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      constexpr address first = elsewhere - page_size;
      in->map_at(in->cpu, first, 2);
      in->put(in->cpu, elsewhere, old_value);
      std::unique_ptr<address_space<Design>> child;
      together(on_cpu("fork", *in, [&](vm::cpu& by) { child = in->space.fork(by); }),
               on_cpu("write twice", *in, [&in](vm::cpu& by) {
                 in->put(by, first, new_value);
                 in->put(by, elsewhere, new_value);
               }));
      const auto then = get_from(*child, in->cpu, elsewhere);
      RCUVM_PROMISE(then == old_value || get_from(*child, in->cpu, first) == new_value,
                    "F2: the child has the second of two writes alone");
      RCUVM_PROMISE(in->get(in->cpu, first) == new_value && in->get(in->cpu, elsewhere) == new_value,
                    "F2: a write is lost in fork");
      child->exit(in->cpu);
    };
  }
};

/// fork while a reader holds up the grace period of an munmap: what keeps the addresses of the parent must not keep the child's.
struct fork_over_dead_entry {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      std::unique_ptr<address_space<Design>> child;
      together(on_cpu("munmap, fork, child maps there", *in,
                      [&](vm::cpu& by) {
                        in->unmap(by, here);
                        child = in->space.fork(by);
                        const auto got =
                            child->map(by, {.hint = here, .length = page_size, .protection = read_write});
                        RCUVM_PROMISE(got == here, "F2: the child's addresses are taken by what is dead");
                        put_into(*child, by, here, new_value);
                      }),
               on_cpu("access", *in, [&in](vm::cpu& by) { std::ignore = in->try_put(by, here, old_value); }));
      RCUVM_PROMISE(get_from(*child, in->cpu, here) == new_value, "F2: the child loses its page");
      RCUVM_PROMISE(!in->get(in->cpu, here), "F3: a page is reached after munmap has returned");
      child->exit(in->cpu);
    };
  }
};

/// munmap of a page that a child has, too, beside run(cpu, parent, child). The parent's page goes, the child's becomes `left`.
template <class Design, class F>
void munmap_beside_child(small_space<Design>& in, const char* name, std::uint64_t left, F run) {
  const auto child = in.space.fork(in.cpu);
  together(on_cpu("munmap", in, [&in](vm::cpu& by) { in.unmap(by, here); }),
           on_cpu(name, in, [&](vm::cpu& by) { run(by, in, *child); }));
  RCUVM_PROMISE(!in.get(in.cpu, here), "F1, F3: a page is reached after munmap has returned");
  RCUVM_PROMISE(get_from(*child, in.cpu, here) == left, "F2: the child loses its page");
  child->exit(in.cpu);
}

/// A fault of the parent: the record that it has found cannot be marked as dead.
struct shared_record_beside_munmap {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      munmap_beside_child(
          *space_with_page<Design>(old_value), "access", old_value,
          [](vm::cpu& by, auto& in, auto&) { std::ignore = in.try_put(by, here, new_value); });
    };
  }
};

/// A fault of the child.
struct shared_record_beside_child {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      munmap_beside_child(*space_with_page<Design>(old_value), "child writes", new_value,
                          [](vm::cpu& by, auto&, auto& child) { put_into(child, by, here, new_value); });
    };
  }
};

/// The first read by the parent and the first write by the child.
struct shared_record_without_pages {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<small_space<Design>>();
      in->map_at(in->cpu, here);
      munmap_beside_child(*in, "parent reads, child writes", new_value,
                          [](vm::cpu& by, auto& parent, auto& child) {
                            std::ignore = parent.get(by, here);
                            put_into(child, by, here, new_value);
                          });
    };
  }
};

/// A write copies a page that fork has shared; the other cpu must not go on reading the old one.
struct copy_beside_read {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = space_with_page<Design>(old_value);
      const auto child = in->space.fork(in->cpu);
      const auto is_written = std::make_unique<sync::atomic<std::uint32_t>>(0U);
      together(on_cpu("write", *in,
                      [&](vm::cpu& by) {
                        in->put(by, here, new_value);
                        is_written->store_release(1);
                      }),
               on_cpu("read twice", *in, [&](vm::cpu& by) {
                 std::ignore = in->get(by, here);
                 if (is_written->load_acquire() == 0) return;
                 RCUVM_PROMISE(in->get(by, here) == new_value, "F2: a read goes back behind a write");
               }));
      child->exit(in->cpu);
    };
  }
};

}  // namespace

std::vector<scenario> fork_scenarios() {
  return {
      for_all_designs("fork", "fork beside a write", "F2", fork_beside_write{}),
      for_all_designs("fork-two-writers", "fork beside a write that faults and one that does not", "F2",
                      fork_beside_two_writes{}),
      for_all_designs("fork-order", "fork beside two writes, the first of which needs a page and a table",
                      "F2", fork_beside_writes_in_order{}),
      for_all_designs("fork-over-dead",
                      "munmap, fork, mmap at the same address in the child, beside an access", "F2",
                      fork_over_dead_entry{}),
      for_all_designs("shared-record", "munmap beside a fault in a mapping that a child has, too", "F3",
                      shared_record_beside_munmap{}),
      for_all_designs("shared-record-child", "munmap beside a child's fault in the same mapping", "F2",
                      shared_record_beside_child{}),
      for_all_designs("shared-record-untouched",
                      "munmap beside the first accesses of parent and child to a mapping", "F3",
                      shared_record_without_pages{}),
      for_all_designs("copy-on-write", "a page is copied on write beside a read on another cpu", "F2",
                      copy_beside_read{}),
  };
}

}  // namespace rcuvm::explore
