// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/checked.hpp"

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/mutation.hpp"

#ifdef RCUVM_CHECKED

namespace rcuvm {

namespace {

void report_to_scheduler(const char* what, const char* file, int line) noexcept {
  if (sync::checked::running != nullptr) sync::checked::running->fail(what, file, line);
}

}  // namespace

constinit mutation active_mutation = mutation::none;
constinit check_listener on_check_failed = report_to_scheduler;

namespace sync::checked {

constinit thread_local scheduler* running = nullptr;

}  // namespace sync::checked

}  // namespace rcuvm

#endif
