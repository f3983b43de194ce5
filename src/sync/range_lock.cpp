// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/sync/range_lock.hpp"

#include "rcuvm/base/check.hpp"

namespace rcuvm::sync {

const range_lock::entry* range_lock::find(range where, const entry* end) const noexcept {
  const entry* one = first_;
  while (one != end && !one->where_.overlaps(where)) one = one->later_;
  return one == end ? nullptr : one;
}

void range_lock::append(entry& as, range where) noexcept {
  as.where_ = where;
  as.later_ = nullptr;
  entry** end = &first_;
  while (*end != nullptr) end = &(*end)->later_;
  *end = &as;
}

void range_lock::lock(entry& as, range where) noexcept {
  mutex_guard held{lock_};
  append(as, where);
  while (find(where, &as) != nullptr) {
    ++waiting_;
    gone_.wait(held);
    --waiting_;
  }
}

bool range_lock::try_lock(entry& as, range where) noexcept {
  const mutex_guard held{lock_};
  if (find(where, nullptr) != nullptr) return false;
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
