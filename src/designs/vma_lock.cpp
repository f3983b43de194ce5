// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/designs/vma_lock.hpp"

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template class address_space<designs::vma_lock>;

}  // namespace rcuvm
