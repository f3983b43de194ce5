// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/tree/b.hpp"
