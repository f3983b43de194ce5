// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/file.hpp"

#include <array>
#include <iterator>
#include <new>

#include "rcuvm/base/check.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::vm {

namespace {

constexpr std::uint64_t no_page = ~std::uint64_t{0};

range whole_pages(range bytes) noexcept {
  return {page_ceil(bytes.start) / page_size, bytes.end / page_size};
}

}  // namespace

file::~file() {
  if (pool_ == nullptr) return;
  frame_pool::magazine stock;
  for (const auto& [index, frame] : pages_) pool_->put(frame, stock);
  pool_->drain(stock);
}

void file::set_size(std::uint64_t to) noexcept {
  sync::mutex_guard held{lock_};
  if (to < size_.load_relaxed()) removals_.fetch_add_relaxed(1);
  size_.store_relaxed(to);
}

void file::drop_beyond_end(frame_pool::magazine& stock) noexcept {
  sync::mutex_guard held{lock_};
  const std::uint64_t end = size_.load_relaxed();
  take_out({page_ceil(end) / page_size, no_page}, stock);
  zero(end / page_size, end % page_size, page_size);
}

range file::begin_hole(range bytes) noexcept {
  sync::mutex_guard held{lock_};
  removals_.fetch_add_relaxed(1);
  const range gone = whole_pages(bytes);
  if (!is_mutated(mutation::punch_without_hiding)) hole_ = gone;
  return gone;
}

void file::end_hole(range bytes, frame_pool::magazine& stock) noexcept {
  sync::mutex_guard held{lock_};
  take_out(whole_pages(bytes), stock);
  hole_ = {};
  const std::uint64_t first = bytes.start / page_size;
  const std::uint64_t last = bytes.end / page_size;
  zero(first, bytes.start % page_size, first == last ? bytes.end % page_size : page_size);
  if (first != last) zero(last, 0, bytes.end % page_size);
}

void file::take_out(range indexes, frame_pool::magazine& stock) noexcept {
  for (auto one = pages_.begin(); one != pages_.end();) {
    const auto next = std::next(one);
    if (indexes.contains(one->first)) {
      pool_->put(one->second, stock);
      pages_.erase(one);
    }
    one = next;
  }
}

void file::zero(std::uint64_t index, std::size_t from, std::size_t to) noexcept {
  static constexpr std::array<std::byte, page_size> zeros{};
  const auto found = pages_.find(index);
  if (from < to && found != pages_.end())
    pool_->write(found->second, from, std::span{zeros}.subspan(from, to - from));
}

void file::read_from_disk() noexcept {
  reads_.fetch_add_relaxed(1);
  if (read_ns_ != 0) sync::sleep_ns(read_ns_);
}

result<frame_number> file::fault_locked(std::uint64_t index, frame_pool& pool, frame_pool::magazine& stock) {
  if (must_read(index)) {
    if (faults_lock_inode_) {
      const vm::inode_lock::section held{inode_lock_, {index * page_size, (index + 1) * page_size}};
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
  if (hole_.contains(index)) return fail(EAGAIN);
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

void file::share_cached(std::uint64_t index, std::span<frame_number> into) noexcept {
  sync::mutex_guard held{lock_};
  for (frame_number& each : into) {
    const auto found = is_within(index) && !hole_.contains(index) ? pages_.find(index) : pages_.end();
    each = found == pages_.end() ? no_frame : found->second;
    if (each != no_frame) pool_->share(each);
    ++index;
  }
}

}  // namespace rcuvm::vm
