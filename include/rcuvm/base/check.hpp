// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checks of our own promises. A broken one ends the program: after it nothing that rcuvm reports can be trusted.

#include <cstdio>
#include <cstdlib>

namespace rcuvm {

#ifdef RCUVM_CHECKED
/// Hears of a broken check first; the explorer takes it as a finding, and does not return.
using check_listener = void (*)(const char* what, const char* file, int line) noexcept;
extern constinit check_listener on_check_failed;
#endif

[[noreturn]] inline void check_failed(const char* what, const char* expression, const char* file,
                                      int line) noexcept {
#ifdef RCUVM_CHECKED
  on_check_failed(what, file, line);
#endif
  std::fprintf(stderr, "rcuvm: %s:%d: %s (%s)\n", file, line, what, expression);
  std::abort();
}

}  // namespace rcuvm

/// Always on: for what a caller can get wrong and a release build must not walk past.
#define RCUVM_CHECK(expression, what) \
  ((expression) ? void() : ::rcuvm::check_failed(what, #expression, __FILE__, __LINE__))

/// On in the presets dev, asan-ubsan, tsan and checked (RCUVM_ASSERTIONS): for what costs time on a hot path.
#ifdef RCUVM_ASSERTIONS
#define RCUVM_ASSERT(expression, what) RCUVM_CHECK(expression, what)
#else
#define RCUVM_ASSERT(expression, what) \
  static_cast<void>(sizeof((expression) ? 1 : 0))  // names are used, nothing runs
#endif
