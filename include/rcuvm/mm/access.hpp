// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Loads, stores and instruction fetches of a program: TLB, page table, fault. And pages that a driver holds on to.

#include <optional>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template <class Design>
result<void> address_space<Design>::read(vm::cpu& cpu, address from, std::span<std::byte> into) {
  return read_as(cpu, from, into, vm::access::read);
}

template <class Design>
result<void> address_space<Design>::fetch(vm::cpu& cpu, address from, std::span<std::byte> into) {
  return read_as(cpu, from, into, vm::access::exec);
}

template <class Design>
result<void> address_space<Design>::read_as(vm::cpu& cpu, address from, std::span<std::byte> into,
                                            vm::access wanted) {
  const auto load = [&](vm::frame_number frame, std::size_t offset, std::size_t done, std::size_t count) {
    machine_.frames().read(frame, offset, into.subspan(done, count));
  };
  return access_bytes(cpu, from, into.size(), wanted, load);
}

template <class Design>
result<void> address_space<Design>::write(vm::cpu& cpu, address to, std::span<const std::byte> from) {
  const auto store = [&](vm::frame_number frame, std::size_t offset, std::size_t done, std::size_t count) {
    machine_.frames().write(frame, offset, from.subspan(done, count));
  };
  return access_bytes(cpu, to, from.size(), vm::access::write, store);
}

/// Calls copy(frame, offset in it, bytes done before, bytes to do) page by page. A frame that was freed behind a
/// translation's back is a broken promise of ours (F1, F2) and ends the program.
template <class Design>
template <class Copy>
result<void> address_space<Design>::access_bytes(vm::cpu& cpu, address at, std::size_t count,
                                                 vm::access wanted, Copy copy) {
  cpu.enter(id_, cpus_);
  vm::frame_pool& frames = machine_.frames();
  for (std::size_t done = 0; done < count;) {
    const address here = at + done;
    cpu.work();
    const auto offset = static_cast<std::size_t>(here - page_floor(here));
    const std::size_t part = std::min(count - done, static_cast<std::size_t>(page_size) - offset);
    {
      sync::rcu::read_section
          walking;  // a table may be freed without a shootdown when a retire_list finds no memory
      vm::tlb::access_section now{cpu.translations()};
      const vm::tlb::key key{id_, page_floor(here)};
      auto translation = now.find(key);
      if (!translation || !vm::allows(translation->allowed(), wanted)) {
        translation = pages_.entry(here);
        if (translation->is_present()) now.remember(key, *translation);
      }
      if (translation->is_present() && vm::allows(translation->allowed(), wanted)) {
        const vm::frame_number frame = translation->frame();
        RCUVM_CHECK((frames.generation(frame) & vm::pte::generation_mask) == translation->generation(),
                    "an access reached a frame that was freed: stale translation");
        copy(frame, offset, done, part);
        done += part;
        continue;
      }
    }
    if (auto faulted = fault(cpu, here, wanted); !faulted) return std::unexpected{faulted.error()};
  }
  return {};
}

template <class Design>
result<vm::frame_number> address_space<Design>::pin(vm::cpu& cpu, address at, vm::access wanted) {
  for (;;) {
    if (const vm::frame_number got = pin_fast(cpu, at, wanted); got != vm::no_frame) return got;
    if (auto faulted = fault(cpu, at, wanted); !faulted) return std::unexpected{faulted.error()};
  }
}

/// The walk is an access of this cpu: what it meets is freed only after a shootdown, which waits for it.
///
///   pin      ├─ access ─ read PTE ─ one reference more ─┤
///   munmap       clear PTE ─ shoot down: waits for ······┤ one reference less: the frame stays, or is free
///
/// Kernel: interrupts are off in gup_fast, so that the flush's IPI waits for it.
template <class Design>
vm::frame_number address_space<Design>::pin_fast(vm::cpu& cpu, address at, vm::access wanted) noexcept {
  cpu.enter(id_, cpus_);
  sync::rcu::read_section
      walking;  // a table may be freed without a shootdown when a retire_list finds no memory
  std::optional<vm::tlb::access_section> now;
  if (!is_mutated(mutation::pin_without_access)) now.emplace(cpu.translations());
  const vm::pte here = pages_.entry(at);
  if (!here.is_present() || !vm::allows(here.allowed(), wanted)) return vm::no_frame;
  machine_.frames().share(here.frame());
  return here.frame();
}

}  // namespace rcuvm
