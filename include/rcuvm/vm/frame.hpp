// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Page frames: real ones, or counted ones without memory for large replays.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rcuvm/base/address.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/memory.hpp"
#include "rcuvm/sync/mutex.hpp"

namespace rcuvm::vm {

/// Index of a frame in its pool. Kernel: pfn.
using frame_number = std::uint32_t;

inline constexpr frame_number no_frame = 0;
inline constexpr frame_number zero_frame = 1;  ///< the shared page of zeros; never written, never freed

/// All frames of a machine.
///
///   free --take--> owned (references >= 1) --last put--> free, generation + 1
///
/// Whoever maps a frame notes its generation beside it (in the PTE). A generation that differs at the time of use
/// shows a stale PTE or TLB entry: the frame has been freed in between.
///
/// Writers   any thread. Progress: take and put lock only when a cpu's magazine runs empty or over.
/// Kernel    struct page and the buddy allocator's order-0 lists with their per-cpu lists.
class frame_pool {
 public:
  enum class backing : std::uint8_t { counted, real };

  /// A cpu's private stock of free frames, so that faults on different cpus do not meet at the pool's lock.
  struct magazine {
    static constexpr std::size_t capacity = sync::checked::sized(64U, 2U);
    std::array<frame_number, capacity> frames{};
    std::size_t count = 0;
  };

  /// `frames` frames (the zero frame is one more). Throws std::bad_alloc.
  frame_pool(std::uint32_t frames, backing kind);
  frame_pool(const frame_pool&) = delete;
  frame_pool& operator=(const frame_pool&) = delete;

  /// A frame with one reference, filled with zeros when it has memory; no_frame when all are in use.
  [[nodiscard]] frame_number take(magazine& stock) noexcept;
  /// One reference more. Only by a holder of one.
  void share(frame_number which) noexcept;
  /// One reference less; the last one frees the frame.
  void put(frame_number which, magazine& stock) noexcept;
  /// Gives a cpu's stock back to the pool.
  void drain(magazine& stock) noexcept;

  [[nodiscard]] std::uint32_t references(frame_number which) const noexcept {
    return frames_[which].references.load_acquire();  // frame.P2 <- frame.P1
  }
  [[nodiscard]] std::uint32_t generation(frame_number which) const noexcept {
    return frames_[which].generation.load_acquire();  // frame.G2 <- frame.G1
  }
  /// Copies bytes out of a frame, or into it, up to its end. As a processor's loads and stores: others may use the same bytes
  /// meanwhile, and see no other byte change. Nothing when this pool only counts.
  void read(frame_number which, std::size_t offset, std::span<std::byte> into) const noexcept;
  void write(frame_number which, std::size_t offset, std::span<const std::byte> from) noexcept;
  /// Copies a page, which others may be using. Nothing when this pool only counts.
  void copy(frame_number from, frame_number to) noexcept;

  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  /// Frames in use now, without those in cpus' stocks. Exact when no thread is taking or putting.
  [[nodiscard]] std::uint64_t in_use() const noexcept;

 private:
  using word = sync::atomic<std::uint64_t>;
  static constexpr std::size_t words_per_page =
      sync::checked::sized(page_size / sizeof(std::uint64_t), std::uint64_t{2});

  struct frame {
    sync::atomic<std::uint32_t> references{0};  ///< guard: atomic
    sync::atomic<std::uint32_t> generation{0};  ///< guard: atomic
  };

  std::uint32_t capacity_;                ///< guard: immutable
  std::unique_ptr<frame[]> frames_;       ///< guard: immutable (the array)
  std::unique_ptr<word[]> memory_;        ///< guard: atomic; threads of a program race here as they like
  alignas(64) mutable sync::mutex lock_;  ///< not on the line that each fault reads
  std::vector<frame_number> free_;        ///< guard: lock_; its capacity never needs to grow
  sync::atomic<std::uint64_t> taken_{0};  ///< guard: atomic; frames out of free_
};

}  // namespace rcuvm::vm
