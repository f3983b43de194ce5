// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/designs/refcount.hpp"

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template class address_space<designs::refcount>;

}  // namespace rcuvm
