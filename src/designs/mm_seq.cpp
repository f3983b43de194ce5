// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/designs/mm_seq.hpp"

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template class address_space<designs::mm_seq>;

}  // namespace rcuvm
