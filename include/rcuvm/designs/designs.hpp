// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All designs: as types, as names. A new one goes into both lists here, and gets its file in src/designs.

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "rcuvm/designs/mm_seq.hpp"
#include "rcuvm/designs/mmap_lock.hpp"
#include "rcuvm/designs/mmap_lock_drop.hpp"
#include "rcuvm/designs/range_lock.hpp"
#include "rcuvm/designs/refcount.hpp"
#include "rcuvm/designs/replace.hpp"
#include "rcuvm/designs/synchronize.hpp"
#include "rcuvm/designs/tombstone.hpp"
#include "rcuvm/designs/vma_lock.hpp"
#include "rcuvm/designs/vma_seq.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

// Compiled once, in src/designs. A design of your own is compiled where it is used.
extern template class address_space<designs::mmap_lock>;
extern template class address_space<designs::mmap_lock_drop>;
extern template class address_space<designs::mm_seq>;
extern template class address_space<designs::vma_seq>;
extern template class address_space<designs::vma_lock>;
extern template class address_space<designs::synchronize>;
extern template class address_space<designs::refcount>;
extern template class address_space<designs::tombstone>;
extern template class address_space<designs::replace>;
extern template class address_space<designs::range_lock>;

}  // namespace rcuvm

namespace rcuvm::designs {

/// In the order of all tables: the baseline first.
using all = std::tuple<mmap_lock, mmap_lock_drop, mm_seq, vma_seq, vma_lock, synchronize, refcount, tombstone,
                       replace, range_lock>;

/// Calls f.template operator()<Design>() for each design.
template <class F>
void for_each(F&& f) {
  [&]<class... Design>(std::type_identity<std::tuple<Design...>>) {
    (f.template operator()<Design>(), ...);
  }(std::type_identity<all>{});
}

/// The same for the one that is called `name`. False: there is none.
template <class F>
bool with_named(std::string_view name, F&& f) {
  bool is_found = false;
  for_each([&]<class Design> {
    if (Design::name != name) return;
    is_found = true;
    f.template operator()<Design>();
  });
  return is_found;
}

[[nodiscard]] inline std::vector<std::string> names() {
  std::vector<std::string> all_names;
  for_each([&]<class Design> { all_names.emplace_back(Design::name); });
  return all_names;
}

}  // namespace rcuvm::designs
