// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/frame.hpp"

#include <algorithm>
#include <cstring>

namespace rcuvm::vm {

frame_pool::frame_pool(std::uint32_t frames, backing kind)
    : capacity_{frames}, frames_{std::make_unique<frame[]>(std::size_t{frames} + 2)} {
  if (kind == backing::real) {
    memory_ = std::make_unique<std::byte[]>((std::size_t{frames} + 2) * page_size);
  }
  free_.reserve(frames);
  for (std::uint32_t number = frames + 1; number > zero_frame; --number) free_.push_back(number);
  frames_[zero_frame].references.store_relaxed(1);
}

frame_number frame_pool::take(magazine& stock) noexcept {
  if (stock.count == 0) {
    sync::mutex_guard held{lock_};
    const std::size_t moved = std::min(free_.size(), magazine::capacity / 2);
    std::copy_n(free_.end() - static_cast<std::ptrdiff_t>(moved), moved, stock.frames.begin());
    free_.resize(free_.size() - moved);
    stock.count = moved;
    taken_.fetch_add_relaxed(moved);
    if (moved == 0) return no_frame;
  }
  const frame_number got = stock.frames[--stock.count];
  frames_[got].references.store_relaxed(1);
  if (memory_) std::memset(bytes(got).data(), 0, page_size);
  return got;
}

void frame_pool::share(frame_number which) noexcept {
  if (which != zero_frame) frames_[which].references.fetch_add_relaxed(1);
}

void frame_pool::put(frame_number which, magazine& stock) noexcept {
  if (which == zero_frame) return;
  if (frames_[which].references.fetch_sub_acq_rel(1) != 1) return;  // frame.P1 -> frame.P2
  frames_[which].generation.fetch_add_release(1);                   // frame.G1 -> frame.G2
  if (stock.count == magazine::capacity) {
    sync::mutex_guard held{lock_};
    const std::size_t moved = magazine::capacity / 2;
    for (std::size_t i = 0; i < moved; ++i) free_.push_back(stock.frames[--stock.count]);
    taken_.fetch_sub_relaxed(moved);
  }
  stock.frames[stock.count++] = which;
}

void frame_pool::drain(magazine& stock) noexcept {
  sync::mutex_guard held{lock_};
  taken_.fetch_sub_relaxed(stock.count);
  while (stock.count > 0) free_.push_back(stock.frames[--stock.count]);
}

std::span<std::byte> frame_pool::bytes(frame_number which) noexcept {
  if (!memory_) return {};
  return {memory_.get() + std::size_t{which} * page_size, page_size};
}

void frame_pool::copy(frame_number from, frame_number to) noexcept {
  if (memory_) std::memcpy(bytes(to).data(), bytes(from).data(), page_size);
}

std::uint64_t frame_pool::in_use() const noexcept { return taken_.load_relaxed(); }

}  // namespace rcuvm::vm
