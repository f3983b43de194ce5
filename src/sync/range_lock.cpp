// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/range_lock.hpp"

#include <tuple>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/spin.hpp"

namespace rcuvm::sync {

bool range_lock::is_wanted_before(const entry* end, range where) const noexcept {
  const entry* one = first_;
  while (one != end && !one->where_.overlaps(where)) one = one->later_;
  return one != end;
}

void range_lock::append(entry& as, range where) noexcept {
  as.where_ = where;
  as.later_ = nullptr;
  entry** end = &first_;
  while (*end != nullptr) end = &(*end)->later_;
  *end = &as;
}

bool range_lock::spin_until_free(range where) noexcept {
  return spin_until(spinning::writes, [&] { return !is_wanted(where); });
}

void range_lock::wait_in_line(entry& as, range where) noexcept {
  mutex_guard held{lock_};
  append(as, where);
  while (is_wanted_before(&as, where)) {
    ++waiting_;
    gone_.wait(held);
    --waiting_;
  }
}

void range_lock::wait_until_free(range where) noexcept {
  if (spin_until_free(where)) return;
  entry turn;
  wait_in_line(turn, where);
  unlock(turn);
}

void range_lock::lock(entry& as, range where) noexcept {
  std::ignore = spin_until_free(where);
  wait_in_line(as, where);
}

bool range_lock::try_lock(entry& as, range where, range free) noexcept {
  const mutex_guard held{lock_};
  if (is_wanted_before(nullptr, free)) return false;
  append(as, where);
  return true;
}

void range_lock::unlock(entry& held_entry) noexcept {
  const mutex_guard held{lock_};
  entry** one = &first_;
  while (*one != &held_entry) {
    RCUVM_ASSERT(*one != nullptr, "a range is unlocked that is not locked");
    one = &(*one)->later_;
  }
  *one = held_entry.later_;
  if (waiting_ != 0) gone_.notify_all();
}

bool range_lock::is_wanted(range where, const entry* except) noexcept {
  const mutex_guard held{lock_};
  for (const entry* one = first_; one != nullptr; one = one->later_) {
    if (one != except && one->where_.overlaps(where)) return true;
  }
  return false;
}

}  // namespace rcuvm::sync
