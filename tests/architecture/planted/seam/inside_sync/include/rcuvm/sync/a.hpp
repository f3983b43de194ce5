// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <urcu/urcu-memb.h>
inline thread_local int counter;
