// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <urcu/urcu-memb.h>
inline thread_local int counter;
std::atomic<int> one;
void wait() { urcu_memb_synchronize_rcu(); }
auto now() { return std::chrono::steady_clock::now(); }
