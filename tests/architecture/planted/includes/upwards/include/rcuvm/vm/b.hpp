// SPDX-License-Identifier: Apache-2.0
#include <rcuvm/front.hpp>
#  include "rcuvm/sync/c.hpp"
