// SPDX-License-Identifier: Apache-2.0
#include <thread>
/* a comment
   goes on */ std::jthread runner;
auto now() { return std::chrono::steady_clock::now(); }
