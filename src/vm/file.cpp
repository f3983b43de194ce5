// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/file.hpp"

#include <array>
#include <iterator>
#include <new>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::vm {

file::~file() {
  if (pool_ == nullptr) return;
  frame_pool::magazine stock;
  for (const auto& [index, frame] : pages_) pool_->put(frame, stock);
  pool_->drain(stock);
}

void file::set_size(std::uint64_t to) noexcept {
  sync::mutex_guard held{lock_};
  if (to < size_.load_relaxed()) truncations_.fetch_add_relaxed(1);
  size_.store_relaxed(to);
}

void file::drop_beyond_end(frame_pool::magazine& stock) noexcept {
  static constexpr std::array<std::byte, page_size> zeros{};
  sync::mutex_guard held{lock_};
  const std::uint64_t end = size_.load_relaxed();
  for (auto one = pages_.begin(); one != pages_.end();) {
    const auto next = std::next(one);
    if (one->first >= page_ceil(end) / page_size) {
      pool_->put(one->second, stock);
      pages_.erase(one);
    }
    one = next;
  }
  const auto last = pages_.find(end / page_size);
  if (last == pages_.end()) return;
  const std::size_t kept = end % page_size;
  pool_->write(last->second, kept, std::span{zeros}.subspan(kept));
}

void file::read_from_disk() noexcept {
  reads_.fetch_add_relaxed(1);
  if (read_ns_ != 0) sync::sleep_ns(read_ns_);
}

result<frame_number> file::page(std::uint64_t index, frame_pool& pool, frame_pool::magazine& stock) {
  if (must_read(index)) {
    if (faults_lock_inode_) {
      const sync::mutex_guard held{inode_lock_};
      return page_under_inode_lock(index, pool, stock);
    }
    read_from_disk();
  }
  return cached_page(index, pool, stock, true);
}

result<frame_number> file::page_under_inode_lock(std::uint64_t index, frame_pool& pool,
                                                 frame_pool::magazine& stock) {
  if (must_read(index)) read_from_disk();
  return cached_page(index, pool, stock, true);
}

result<frame_number> file::cached_page(std::uint64_t index, frame_pool& pool, frame_pool::magazine& stock,
                                       bool has_been_read) try {
  sync::mutex_guard held{lock_};
  if (!is_within(index)) return fail(EFAULT);
  RCUVM_CHECK(pool_ == nullptr || pool_ == &pool, "a file's pages belong to one machine");
  pool_ = &pool;
  auto [place, is_new] = pages_.try_emplace(index, no_frame);
  if (is_new) {
    place->second = has_been_read ? pool.take(stock) : no_frame;
    if (place->second == no_frame) {
      pages_.erase(place);
      return fail(has_been_read ? ENOMEM : EAGAIN);
    }
  }
  pool.share(place->second);
  return place->second;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace rcuvm::vm
