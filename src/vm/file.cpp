// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/file.hpp"

#include <new>

#include "rcuvm/base/check.hpp"

namespace rcuvm::vm {

file::~file() {
  if (pool_ == nullptr) return;
  frame_pool::magazine stock;
  for (const auto& [index, frame] : pages_) pool_->put(frame, stock);
  pool_->drain(stock);
}

result<frame_number> file::page(std::uint64_t index, frame_pool& pool, frame_pool::magazine& stock) try {
  if (index >= (size_ - 1) / page_size + 1 || size_ == 0) return fail(EFAULT);
  sync::mutex_guard held{lock_};
  RCUVM_CHECK(pool_ == nullptr || pool_ == &pool, "a file's pages belong to one machine");
  pool_ = &pool;
  auto [place, is_new] = pages_.try_emplace(index, no_frame);
  if (is_new) {
    place->second = pool.take(stock);
    if (place->second == no_frame) {
      pages_.erase(place);
      return fail(ENOMEM);
    }
  }
  pool.share(place->second);
  return place->second;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace rcuvm::vm
