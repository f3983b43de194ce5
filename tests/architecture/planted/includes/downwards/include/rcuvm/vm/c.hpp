// SPDX-License-Identifier: Apache-2.0
// #include "rcuvm/mm/gone.hpp"
#include "rcuvm/front.hpp"
