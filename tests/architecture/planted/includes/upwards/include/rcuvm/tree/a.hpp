// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include "rcuvm/vm/b.hpp"
