// SPDX-License-Identifier: Apache-2.0
#include <boost/lockfree/queue.hpp>
#include <mutex>
void g() { rcu_read_lock(); }
int f() { const std::lock_guard guard{lock}; return 1'000; }  // "
int h() { return x.load(std::memory_order_acquire); }
