// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/mm/d.hpp"
