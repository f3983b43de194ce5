// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/parse.hpp"
#include "rcuvm/sync/b.hpp"
