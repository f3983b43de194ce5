// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/mutex.hpp"
// std::atomic in a comment
/* thread_local in a comment
   std::mutex on its second line */
const char* text = "std::mutex \" thread_local";
rcuvm::sync::atomic<int> one;
int not_thread_local;
sync::mutex lock;
