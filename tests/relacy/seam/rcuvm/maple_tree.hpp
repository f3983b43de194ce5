// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for include/rcuvm/maple_tree.hpp: all that vm/vma.hpp takes from there is the base of counted records.

#include "rcuvm/tree/counted.hpp"
