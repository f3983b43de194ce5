// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/designs/mmap_lock_drop.hpp"

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template class address_space<designs::mmap_lock_drop>;

}  // namespace rcuvm
