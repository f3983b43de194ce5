// SPDX-License-Identifier: Apache-2.0

/// What a stranger's first program does: uses the tree out of the installed headers and library.

#include <cstdio>
#include <rcuvm/maple_tree.hpp>
#include <string_view>

int main() {
  namespace sync = rcuvm::sync;
  const sync::rcu::registration reader{"consumer"};
  const char code[] = "code";
  sync::mutex lock;
  rcuvm::maple_tree<const char> tree;

  //  0x1000      0x3000
  //  ....CCCCCCCC....      store
  {
    const sync::write_section writing{lock};
    auto change = tree.begin(writing);
    if (!change.store({0x1000, 0x3000}, code)) return 1;
    change.commit();
  }

  const sync::rcu::read_section reading;
  const bool is_right = tree.find(reading, 0x2fff) == code && tree.find(reading, 0x3000) == nullptr;
  std::printf("%s %s\n", is_right ? "right" : "WRONG", sync::rcu::flavour());
  return is_right ? 0 : 1;
}
