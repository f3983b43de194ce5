// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/designs/range_lock.hpp"

#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

template class address_space<designs::range_lock>;

}  // namespace rcuvm
