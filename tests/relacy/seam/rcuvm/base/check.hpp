// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for include/rcuvm/base/check.hpp: a broken promise is a failed search, not the end of the program. Always on.

#include "tests/relacy/seam/engine.hpp"

#define RCUVM_CHECK(expression, what) ::rcuvm::relacy::promise((expression), what)
#define RCUVM_ASSERT(expression, what) RCUVM_CHECK(expression, what)
