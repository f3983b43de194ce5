// SPDX-License-Identifier: Apache-2.0
#include <rcuvm/vm/c.hpp>
#include <gtest/gtest.h>
