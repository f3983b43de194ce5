// SPDX-License-Identifier: Apache-2.0

/// The per-VMA lock of Linux 6.15 with records that are used again at once, by whomever: what a fault must look at again. Once with
/// `vma-lock` itself, whose writers look for themselves; and a model of the protocol where the last reader wakes the writer.
///
///   fault    find ── holders + 1, unless 0 ── my address space's? my address? ── use ── holders - 1
///   munmap       unlink ── holders 1 -> 0: free ── ── taken by another address space, holders = 1 ── ...
///
/// The record's memory stays a record's (SLAB_TYPESAFE_BY_RCU), so that counting in it is never wrong; what it says may be of another
/// mapping by then. Who finds that out has a holder's place there, and must wake whoever waits for it to go: an address space that
/// may end as soon as it has gone. Kernel: lock_vma_under_rcu; the grab since 9bbffee67ffd (2025).

#include <memory>

#include "explore/scenarios/pages.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::explore {

namespace {

constexpr address wanted = 0x10000;
constexpr address other = 0x20000;

/// A fault in one address space, while its mapping's record becomes that of the same address in another one.
void fault_beside_reuse_by_another() {
  using design = designs::vma_lock;
  const auto in = std::make_unique<small_space<design>>();
  address_space<design> another{in->host, in->space.layout()};
  in->map_at(in->cpu, here);
  together(on_cpu("munmap, mmap in another", *in,
                  [&](vm::cpu& by) {
                    in->unmap(by, here);
                    const auto got = another.map(by, {.hint = here,
                                                      .length = page_size,
                                                      .protection = read_write,
                                                      .flags = mm::map_flag::fixed});
                    RCUVM_CHECK(got == here, "a mapping of the scenario");
                  }),
           on_cpu("access", *in, [&](vm::cpu& by) { std::ignore = in->try_put(by, here, 1); }));
  RCUVM_PROMISE(!in->get(in->cpu, here), "F1, F3: a page is reached after munmap has returned");
  RCUVM_PROMISE(get_from(another, in->cpu, here) == 0U, "F2: a write into another address space");
  another.exit(in->cpu);
}

enum class leaves_out : std::uint8_t { nothing, look_at_owner, look_at_address, grab };

/// An address space, as far as it matters: it can be held, woken, and end.
struct holder_of_records {
  sync::atomic<std::uint32_t> references{1};
  sync::atomic<std::uint32_t> wakes{0};

  void grab() noexcept { references.fetch_add_relaxed(1); }
  void put() noexcept {
    if (references.fetch_sub_acq_rel(1) == 1) sync::memory::destroy(this);
  }
};

class record {
 public:
  void attach(holder_of_records* to, address at) noexcept {
    owner.store_relaxed(to);
    start.store_relaxed(at);
    holders_.store_release(1);
  }
  /// Waits for all who hold it. Kernel: vma_mark_detached.
  void detach() noexcept {
    for (std::uint32_t alone = 1; !holders_.cas_acq_rel(alone, 0); alone = 1) sync::yield();
  }
  [[nodiscard]] bool hold() noexcept {
    std::uint32_t now = holders_.load_relaxed();
    do {
      if (now == 0) return false;
    } while (!holders_.cas_acq_rel(now, now + 1));
    return true;
  }
  void let_go() noexcept { holders_.fetch_sub_release(1); }

  sync::atomic<holder_of_records*> owner{nullptr};
  sync::atomic<address> start{0};

 private:
  sync::atomic<std::uint32_t> holders_{0};  // 0: free; 1: in use, no fault inside
};

struct tree_of_one {
  record type_stable;
  sync::atomic<record*> entry{nullptr};
};

template <leaves_out What>
void fault_beside_reuse() {
  const auto shared = std::make_unique<tree_of_one>();
  auto* const mine = sync::memory::make<holder_of_records>();
  auto* const theirs = sync::memory::make<holder_of_records>();
  shared->type_stable.attach(mine, wanted);
  shared->entry.store_release(&shared->type_stable);
  const auto unmap_and_reuse = [&] {
    record& one = shared->type_stable;
    shared->entry.store_release(nullptr);
    one.detach();
    one.attach(mine, other);
    one.detach();
    one.attach(theirs, wanted);
    one.detach();
    theirs->put();  // exit
  };
  const auto fault = [&] {
    const sync::rcu::registration here{"fault"};
    const sync::rcu::read_section reading;
    record* const found = shared->entry.load_acquire();
    if (found == nullptr || !found->hold()) return;
    holder_of_records* const owner = found->owner.load_relaxed();
    const bool is_mine = owner == mine || What == leaves_out::look_at_owner;
    const bool is_wanted = found->start.load_relaxed() == wanted || What == leaves_out::look_at_address;
    if (is_mine && is_wanted) {
      RCUVM_PROMISE(found->owner.load_relaxed() == mine && found->start.load_relaxed() == wanted,
                    "F2: a fault works on another mapping's record");
      found->let_go();
      return;
    }
    if (What != leaves_out::grab) owner->grab();
    found->let_go();
    owner->wakes.fetch_add_relaxed(1);
    if (What != leaves_out::grab) owner->put();
  };
  together(world::thread_body{"munmap, mmap, exit of another", unmap_and_reuse},
           world::thread_body{"fault", fault});
  mine->put();
}

template <leaves_out What>
[[nodiscard]] subject with(std::string name, finding_kind kind) {
  return {.design = std::move(name),
          .body = fault_beside_reuse<What>,
          .expected = What == leaves_out::nothing ? verdict::holds : verdict::fails,
          .kind = kind,
          .search = {.how = strategy::bounded, .bound = 3, .max_schedules = 1'000'000}};
}

}  // namespace

std::vector<scenario> reuse_scenarios() {
  return {{.name = "record-reuse",
           .summary = "a fault, while the VMA that it has found becomes another address space's",
           .claim = "F3",
           .subjects = {{.design = std::string{designs::vma_lock::name},
                         .body = fault_beside_reuse_by_another,
                         .search = with_one_preemption}}},
          {.name = "vma-reuse",
           .summary = "a record of the per-VMA lock is used again, by another address space, beside a fault",
           .claim = "F2",
           .subjects = {with<leaves_out::nothing>("looks-again", finding_kind::none),
                        with<leaves_out::look_at_owner>("no-look-at-mm", finding_kind::check),
                        with<leaves_out::look_at_address>("no-look-at-address", finding_kind::check),
                        with<leaves_out::grab>("no-grab", finding_kind::use_after_free)}}};
}

}  // namespace rcuvm::explore
