// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/designs/vma_seq.hpp"

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template class address_space<designs::vma_seq>;

}  // namespace rcuvm
