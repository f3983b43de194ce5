// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A small address space for scenarios.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "explore/scenarios/scenario.hpp"
#include "rcuvm/designs/designs.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm::explore {

inline constexpr std::string_view all_of_them = "*";  ///< designs
inline constexpr vm::protection read_write{vm::prot::read, vm::prot::write};

// In the explorer's library a table has 8 entries: a leaf covers 8 pages.
//
//   below          here                                     above
//   |0xf000|       |0x10000|0x11000|  ...  |0x17000|        |0x18000|
//                  \______ one leaf, nothing else in it ___/
inline constexpr address here = 0x10000;
inline constexpr address below = 0xf000;
inline constexpr address above = 0x18000;
inline constexpr address elsewhere = 0x20000;  ///< another leaf
inline constexpr address further = 0x30000;    ///< and another

/// Nothing: the access fails.
template <class Design>
[[nodiscard]] std::optional<std::uint64_t> get_from(address_space<Design>& space, vm::cpu& by, address at) {
  std::uint64_t value = 0;
  if (!space.read(by, at, std::as_writable_bytes(std::span{&value, 1}))) return std::nullopt;
  return value;
}
template <class Design>
[[nodiscard]] bool try_put_into(address_space<Design>& space, vm::cpu& by, address at, std::uint64_t value) {
  return space.write(by, at, std::as_bytes(std::span{&value, 1})).has_value();
}
template <class Design>
void put_into(address_space<Design>& space, vm::cpu& by, address at, std::uint64_t value) {
  RCUVM_CHECK(try_put_into(space, by, at, value), "a write of the scenario");
}

/// A machine, and an address space with `below` and `above` mapped: what is unmapped at `here` takes its table along.
template <class Design>
struct small_space {
  sync::rcu::registration main{"main"};
  vm::machine host;
  vm::cpu cpu{host};
  address_space<Design> space;

  explicit small_space(vm::shootdowns how = vm::shootdowns::at_once, std::uint64_t fault_around = 0)
      : host{{.frames = 12, .backing = vm::frame_pool::backing::real, .shootdowns = how}},
        space{host,
              {.lowest = page_size,
               .mmap_base = 0x40000,
               .unmapped_base = 0x8000,
               .end = 0x100000,
               .stack_guard_gap = page_size,
               .fault_around = fault_around}} {
    map_at(cpu, below);
    map_at(cpu, above);
  }

  void map_at(vm::cpu& by, address at, std::uint64_t pages = 1, mm::map_flag how = mm::map_flag::fixed,
              vm::protection allowed = read_write) {
    const auto got =
        space.map(by, {.hint = at, .length = pages * page_size, .protection = allowed, .flags = how});
    RCUVM_CHECK(got && *got == at, "a mapping of the scenario");
  }
  void unmap(vm::cpu& by, address at, std::uint64_t pages = 1) {
    RCUVM_CHECK(space.unmap(by, {at, at + pages * page_size}), "an munmap of the scenario");
  }
  void move(vm::cpu& by, address from, address to, std::uint64_t pages = 1) {
    const auto got = space.remap(by, {.old_address = from,
                                      .old_length = pages * page_size,
                                      .new_length = pages * page_size,
                                      .flags = {mm::remap_flag::may_move, mm::remap_flag::fixed},
                                      .new_address = to});
    RCUVM_CHECK(got == to, "an mremap of the scenario");
  }
  void put(vm::cpu& by, address at, std::uint64_t value) { put_into(space, by, at, value); }
  [[nodiscard]] bool try_put(vm::cpu& by, address at, std::uint64_t value) {
    return try_put_into(space, by, at, value);
  }
  [[nodiscard]] std::optional<std::uint64_t> get(vm::cpu& by, address at) { return get_from(space, by, at); }
};

/// With a mapping of one page at `here` that holds `value`.
template <class Design>
[[nodiscard]] std::unique_ptr<small_space<Design>> space_with_page(
    std::uint64_t value, vm::shootdowns how = vm::shootdowns::at_once) {
  auto made = std::make_unique<small_space<Design>>(how);
  made->map_at(made->cpu, here);
  made->put(made->cpu, here, value);
  return made;
}

/// Expected to fail so under `designs`, which may be all_of_them.
[[nodiscard]] inline scenario broken_under(std::initializer_list<std::string_view> designs, scenario of,
                                           finding_kind kind = finding_kind::check) {
  for (subject& each : of.subjects) {
    const bool is_one = std::ranges::any_of(
        designs, [&](std::string_view name) { return name == all_of_them || name == each.design; });
    if (!is_one) continue;
    each.expected = verdict::fails;
    each.kind = kind;
  }
  return of;
}

/// All historic races need one preemption; with two, a scenario of this size takes minutes (`--bound 2`).
inline constexpr search_options with_one_preemption{
    .how = strategy::bounded, .bound = 1, .max_schedules = 10'000'000};

/// A thread of a scenario that runs on a cpu of its own.
template <class Design, class F>
[[nodiscard]] world::thread_body on_cpu(const char* name, small_space<Design>& in, F run) {
  return {name, [name, &in, run] {
            const sync::rcu::registration registered{name};
            vm::cpu own{in.host};
            run(own);
          }};
}

/// The same on a cpu that was there before, and may have translations.
template <class F>
[[nodiscard]] world::thread_body on_this_cpu(const char* name, vm::cpu& by, F run) {
  return {name, [name, &by, run] {
            const sync::rcu::registration registered{name};
            run(by);
          }};
}

/// A walk of the page tables without their locks, as smaps has it: it finds at most so many private pages in `where`.
template <class Design>
[[nodiscard]] world::thread_body walk_of_smaps(small_space<Design>& in, range where, std::uint64_t most) {
  return {"smaps", [&in, where, most] {
            const sync::rcu::registration registered{"smaps"};
            RCUVM_PROMISE(in.space.count_pages(where).anonymous <= most,
                          "F1: a page that nobody has written");
          }};
}

/// A lock-free get_user_pages of the page with `value` at `here`, beside change(cpu) and the reuse of a frame at `elsewhere`.
template <class Design, class Change>
void pin_beside(small_space<Design>& in, const char* name, std::uint64_t value, Change change) {
  in.map_at(in.cpu, elsewhere);
  const std::uint64_t reused = value + 1;
  together(on_cpu(name, in,
                  [&](vm::cpu& by) {
                    change(by);
                    in.put(by, elsewhere, reused);
                  }),
           on_cpu("pin", in, [&](vm::cpu& by) {
             const vm::frame_number held = in.space.pin_fast(by, here, vm::access::read);
             if (held == vm::no_frame) return;
             std::uint64_t got = 0;
             in.host.frames().read(held, 0, std::as_writable_bytes(std::span{&got, 1}));
             RCUVM_PROMISE(got == value, "F1: a pinned page is somebody else's");
             in.space.unpin(by, held);
           }));
  RCUVM_PROMISE(in.get(in.cpu, elsewhere) == reused, "F1: a pinned page is somebody else's");
}

/// One subject for each design, all expected to hold.
template <class Make>
[[nodiscard]] std::vector<subject> under_each_design(Make make, search_options search) {
  std::vector<subject> made;
  designs::for_each([&]<class Design> {
    made.push_back(
        {.design = std::string{Design::name}, .body = make.template operator()<Design>(), .search = search});
  });
  return made;
}

template <class Make>
[[nodiscard]] scenario for_all_designs(std::string_view name, std::string_view summary,
                                       std::string_view claim, Make body) {
  return {.name = name,
          .summary = summary,
          .claim = claim,
          .subjects = under_each_design(body, with_one_preemption)};
}

}  // namespace rcuvm::explore
