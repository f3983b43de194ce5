// SPDX-License-Identifier: Apache-2.0
#include "../../include/rcuvm/base/gone.hpp"
#include "f.hpp"
