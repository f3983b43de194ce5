// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/vma_cache.hpp"

#include <span>
#include <utility>

#include "rcuvm/base/check.hpp"
#include "rcuvm/reclaim/retire.hpp"
#include "rcuvm/sync/memory.hpp"

namespace rcuvm::vm {

static_assert(sizeof(vma) <= 128, "a record fills two lines");

void vma::retire_record(vma* dead, reclaim::retire_list& retired) noexcept {
  if (dead->home_ == nullptr) return counted::retire_record(dead, retired);
  dead->home_->put(dead);
}

vma_cache::~vma_cache() {
  for (vma* each : std::span{kept_}.first(count_)) sync::memory::destroy(each);
}

vma* vma_cache::take(vma_fields values, vm::life state, std::uint64_t owner) noexcept {
  vma* taken = nullptr;
  {
    const sync::mutex_guard held{lock_};
    if (count_ != 0) taken = kept_[--count_];
  }
  if (taken == nullptr) {
    taken = sync::memory::make<vma>(std::move(values), state, owner);
    if (taken != nullptr) taken->home_ = this;
    return taken;
  }
  taken->use_again(std::move(values), state, owner);
  return taken;
}

void vma_cache::put(vma* dead) noexcept {
  RCUVM_ASSERT(dead->tree_references() == 0, "a record that a tree names is used again");
  dead->use_again({}, life::dead, 0);
  {
    const sync::mutex_guard held{lock_};
    if (count_ != kept_.size()) {
      kept_[count_++] = dead;
      return;
    }
  }
  reclaim::retire_list freed;
  vma::counted::retire_record(dead, freed);
  limbo_.retire(std::move(freed));
}

}  // namespace rcuvm::vm
