// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/vm/frame.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace rcuvm::vm {

namespace {

using word_bytes = std::array<std::byte, sizeof(std::uint64_t)>;

}  // namespace

frame_pool::frame_pool(std::uint32_t frames, backing kind)
    : capacity_{frames}, frames_{std::make_unique<frame[]>(std::size_t{frames} + 2)} {
  if (kind == backing::real) {
    memory_ = std::make_unique<word[]>((std::size_t{frames} + 2) * words_per_page);
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
  if (memory_) {
    word* page = &memory_[got * words_per_page];
    for (std::size_t i = 0; i < words_per_page; ++i) page[i].store_relaxed(0);
  }
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

void frame_pool::read(frame_number which, std::size_t offset, std::span<std::byte> into) const noexcept {
  if (!memory_) return;
  const word* page = &memory_[which * words_per_page];
  for (std::size_t done = 0; done < into.size();) {
    const std::size_t at = offset + done;
    const std::size_t skipped = at % sizeof(std::uint64_t);
    const std::size_t part = std::min(sizeof(std::uint64_t) - skipped, into.size() - done);
    const auto loaded = std::bit_cast<word_bytes>(page[at / sizeof(std::uint64_t)].load_relaxed());
    std::memcpy(into.data() + done, loaded.data() + skipped, part);
    done += part;
  }
}

void frame_pool::write(frame_number which, std::size_t offset, std::span<const std::byte> from) noexcept {
  if (!memory_) return;
  word* page = &memory_[which * words_per_page];
  for (std::size_t done = 0; done < from.size();) {
    const std::size_t at = offset + done;
    const std::size_t skipped = at % sizeof(std::uint64_t);
    const std::size_t part = std::min(sizeof(std::uint64_t) - skipped, from.size() - done);
    word& target = page[at / sizeof(std::uint64_t)];
    if (part == sizeof(std::uint64_t)) {
      word_bytes stored{};
      std::memcpy(stored.data(), from.data() + done, part);
      target.store_relaxed(std::bit_cast<std::uint64_t>(stored));
    } else {
      std::uint64_t seen = target.load_relaxed();  // the other bytes of the word may be somebody else's
      word_bytes merged{};
      do {
        merged = std::bit_cast<word_bytes>(seen);
        std::memcpy(merged.data() + skipped, from.data() + done, part);
      } while (!target.cas_relaxed(seen, std::bit_cast<std::uint64_t>(merged)));
    }
    done += part;
  }
}

void frame_pool::copy(frame_number from, frame_number to) noexcept {
  if (!memory_) return;
  const word* source = &memory_[from * words_per_page];
  word* target = &memory_[to * words_per_page];
  for (std::size_t i = 0; i < words_per_page; ++i) target[i].store_relaxed(source[i].load_relaxed());
}

std::uint64_t frame_pool::in_use() const noexcept { return taken_.load_relaxed(); }

}  // namespace rcuvm::vm
