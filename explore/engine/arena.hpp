// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The memory of a run.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "explore/engine/clock.hpp"
#include "explore/engine/step.hpp"

namespace rcuvm::explore {

/// Same addresses in every run, whoever runs first: each thread has its own part. Nothing is used twice within a run, so
/// that each later touch of freed memory is seen.
///
///   part of main                                      part of thread 1
///   [ red | object | red | object | ... never used ]  [ red | object | ... ]     states: none, live, freed, per 8 bytes
///
/// Cost: an allocation writes one byte per 8, a free likewise and the pattern 0xDD.
class arena {
 public:
  static constexpr std::uintptr_t base = 0x5a00'0000'0000U;
  static constexpr std::size_t size = std::size_t{4} << 20U;

  enum class state : std::uint8_t { none, live, freed };

  struct object {
    span_of_bytes where;
    state now = state::live;
    int allocated_by = 0;
    int freed_by = -1;
    std::uint32_t allocation_stack = 0;  ///< in the world's list of stacks; 0: none was taken
    std::uint32_t free_stack = 0;
  };

  /// Throws std::runtime_error when the addresses are taken.
  arena();
  ~arena();
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  [[nodiscard]] static bool holds(const void* at) noexcept {
    return reinterpret_cast<std::uintptr_t>(at) - base < size;
  }
  [[nodiscard]] static std::uint32_t offset_of(const void* at) noexcept {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(at) - base);
  }
  [[nodiscard]] static void* at(std::uint32_t offset) noexcept {
    return reinterpret_cast<void*>(base + offset);
  }

  /// Null when the thread's part is used up.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment, int thread) noexcept;
  /// Null: there is no such object. Its state says whether it may be freed.
  [[nodiscard]] object* find(std::uint32_t offset) noexcept;
  void free(object& which) noexcept;

  [[nodiscard]] state state_at(std::uint32_t offset) const noexcept {
    return static_cast<state>(states_[offset / 8]);
  }
  [[nodiscard]] std::size_t live_objects() const noexcept { return live_; }
  [[nodiscard]] std::vector<object> objects() const;
  /// All is forgotten.
  void reset() noexcept;

 private:
  static constexpr std::uint32_t red_zone = 16;

  static constexpr std::uint32_t part_size = size / max_threads;

  struct part {
    std::uint32_t first = 0;
    std::uint32_t top = 0;
    std::vector<object> objects;  // by offset
  };

  std::size_t live_ = 0;
  std::uint8_t* states_;
  std::array<part, max_threads> parts_;
};

}  // namespace rcuvm::explore
