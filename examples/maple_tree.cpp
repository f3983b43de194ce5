// SPDX-License-Identifier: Apache-2.0
// A map of ranges that is read under RCU while it changes.
#include <cstdio>

#include "rcuvm/maple_tree.hpp"

int main() {
  using namespace rcuvm;
  const sync::rcu::registration here{"example"};  // once in each thread that reads
  sync::mutex lock;                               // writers take turns, under a lock of yours
  maple_tree<const char> tree;
  {
    const sync::write_section writing{lock};
    auto change = tree.begin(writing);
    if (!change.store({0x1000, 0x3000}, "code") || !change.store({0x3000, 0x4000}, "data"))
      return 1;       // ENOMEM
    change.commit();  // readers see both from now on, and neither before
  }

  maple_tree<const char>::snapshot before;
  {
    const sync::rcu::read_section reading;
    std::printf("at 0x2fff: %s\n", tree.find(reading, 0x2fff));
    if (const auto free = tree.read(reading).lowest_gap(0x2000, {0x1000, 0x10000}, 0x1000)) {
      std::printf("two free pages at %#lx\n", free->start);
    }
    before = tree.take_snapshot(reading);  // outlives the section
  }
  {
    const sync::write_section writing{lock};
    auto change = tree.begin(writing);
    if (!change.erase({0x2000, 0x4000})) return 1;
    change.commit();
  }
  for (const auto& [where, name] : before) std::printf("before: %#lx %s\n", where.start, name);
  const sync::rcu::read_section reading;
  for (const auto& [where, name] : tree.read(reading)) std::printf("now: %#lx %s\n", where.start, name);
  return 0;
}
