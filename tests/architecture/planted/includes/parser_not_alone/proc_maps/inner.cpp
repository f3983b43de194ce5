// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/inner.hpp"
#include "rcuvm/sync/b.hpp"
