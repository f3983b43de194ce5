// SPDX-License-Identifier: Apache-2.0

/// Programs whose shared-memory traffic is counted: one thread at the operation, another one at faults elsewhere.
///
/// Faults are reads, which get the zero page: a cpu's stock of frames is so small in the explorer's library that the pool's lock
/// would hide the rest. In the product it is taken once in 32 pages.

#include <sys/mman.h>

#include <memory>

#include "explore/scenarios/pages.hpp"

namespace rcuvm::explore {

namespace {

constexpr address spare = 0x30000;  ///< a third leaf

/// measured(in, cpu, round) for each round from 1 on, beside as many faults from other_at + 1 page on.
template <class Design, class Measured>
scenario_body program(unsigned count, Measured measured, address other_at = here) {
  return [count, measured, other_at] {
    const auto in = std::make_unique<small_space<Design>>();
    in->map_at(in->cpu, here, 4);
    in->map_at(in->cpu, elsewhere, 16);
    // Tables are there, and both threads have been in this address space.
    const auto first = std::make_unique<vm::cpu>(in->host);
    const auto second = std::make_unique<vm::cpu>(in->host);
    const auto fault = [&in](vm::cpu& by, address at) {
      RCUVM_CHECK(in->space.fault(by, at, vm::access::read), "a fault of the program");
    };
    for (const address at : {here, elsewhere, elsewhere + 8 * page_size}) {
      fault(*first, at);
      fault(*second, at);
    }
    const auto run = [&](vm::cpu& by, auto&& round) {
      const sync::rcu::registration registered{"program"};
      for (unsigned index = 1; index <= count; ++index) round(*in, by, index);
    };
    together(world::thread_body{traffic_thread, [&] { run(*first, measured); }},
             world::thread_body{"other", [&] {
                                  run(*second, [&](auto&, vm::cpu& by, unsigned index) {
                                    fault(by, other_at + index * page_size);
                                  });
                                }});
  };
}

template <class Make>
traffic_program under_all(std::string_view what, Make make) {
  traffic_program made{.what = what, .by_design = {}};
  designs::for_each([&]<class Design> {
    made.by_design.emplace_back(std::string{Design::name},
                                [make](unsigned count) { return make.template operator()<Design>(count); });
  });
  return made;
}

/// A fault, beside faults that begin at `other`.
struct fault_beside {
  address other;
  template <class Design>
  scenario_body operator()(unsigned count) const {
    return program<Design>(
        count,
        [](auto& in, vm::cpu& by, unsigned index) {
          RCUVM_CHECK(in.space.fault(by, elsewhere + index * page_size, vm::access::read), "a fault");
        },
        other);
  }
};
struct walk {
  template <class Design>
  scenario_body operator()(unsigned count) const {
    return program<Design>(count, [](auto& in, vm::cpu&, unsigned) {
      std::size_t lines = 0;
      in.space.walk_chunked(8, [&](const vm::vma& one) { lines += one.where().is_empty() ? 0 : 1; });
      RCUVM_CHECK(lines >= 2, "a walk");
    });
  }
};
struct map_unmap {
  template <class Design>
  scenario_body operator()(unsigned count) const {
    return program<Design>(count, [](auto& in, vm::cpu& by, unsigned) {
      in.map_at(by, spare, 1, mm::map_flag::fixed_noreplace);
      in.unmap(by, spare);
    });
  }
};
struct fault_and_drop {
  template <class Design>
  scenario_body operator()(unsigned count) const {
    return program<Design>(count, [](auto& in, vm::cpu& by, unsigned) {
      const range page{elsewhere + page_size, elsewhere + 2 * page_size};
      RCUVM_CHECK(in.space.fault(by, page.start, vm::access::read), "a fault");
      RCUVM_CHECK(in.space.advise(by, page, MADV_DONTNEED), "a DONTNEED");
    });
  }
};
struct protect {
  template <class Design>
  scenario_body operator()(unsigned count) const {
    return program<Design>(count, [](auto& in, vm::cpu& by, unsigned index) {
      const vm::protection to = index % 2 == 0 ? read_write : vm::protection{vm::prot::read};
      RCUVM_CHECK(in.space.protect(by, {elsewhere + page_size, elsewhere + 2 * page_size}, to),
                  "an mprotect");
    });
  }
};

}  // namespace

std::vector<traffic_program> traffic_programs() {
  return {under_all("fault", fault_beside{here}),
          under_all("fault, others in the same VMA", fault_beside{elsewhere + 8 * page_size}),
          under_all("walk", walk{}),
          under_all("mmap and munmap", map_unmap{}),
          under_all("fault and DONTNEED", fault_and_drop{}),
          under_all("mprotect", protect{})};
}

}  // namespace rcuvm::explore
