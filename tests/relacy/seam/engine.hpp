// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Relacy, without the macros of its main header (`new`, `free`, `assert`, `memory_order_relaxed` ...): the parts are
/// included one by one. Only `$` is left, and is taken back.

#include <source_location>

#include <relacy/atomic.hpp>
#include <relacy/atomic_fence.hpp>
#include <relacy/backoff.hpp>
#include <relacy/base.hpp>
#include <relacy/context.hpp>
#include <relacy/context_base_impl.hpp>
#include <relacy/dyn_thread.hpp>
#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/event.hpp>
#include <relacy/stdlib/mutex.hpp>
#include <relacy/stdlib/semaphore.hpp>
#include <relacy/test_suite.hpp>
#include <relacy/var.hpp>

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdollar-in-identifier-extension"
#endif
#undef $
#ifdef __clang__
#pragma clang diagnostic pop
#endif

namespace rcuvm::relacy {

using place = std::source_location;

[[nodiscard]] inline rl::debug_info info_of(const place& where) noexcept {
  return {where.function_name(), where.file_name(), where.line()};
}

/// What must hold at this point of every execution; else the search ends with it.
inline void promise(bool holds, const char* what, place where = place::current()) noexcept {
  if (!holds) rl::ctx().fail_test(what, rl::test_result_user_assert_failed, info_of(where));
}

/// Data of a protocol: Relacy reports two accesses of which neither happens before the other.
template <class T>
class plain {
 public:
  [[nodiscard]] T read(place where = place::current()) const { return var_(info_of(where)); }
  void write(T value, place where = place::current()) { var_(info_of(where)) = value; }

 private:
  rl::var<T> var_;
};

}  // namespace rcuvm::relacy
