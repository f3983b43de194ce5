// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

namespace rcuvm::tree_bench {

/// Counts the bytes that a container has asked for.
template <class T>
class counting_allocator {
 public:
  using value_type = T;

  explicit counting_allocator(std::size_t& bytes) noexcept : bytes_{&bytes} {}
  template <class Other>
  counting_allocator(const counting_allocator<Other>& other) noexcept
      : bytes_{other.bytes_} {}  // NOLINT: converts

  [[nodiscard]] T* allocate(std::size_t count) {
    *bytes_ += count * sizeof(T);
    return std::allocator<T>{}.allocate(count);
  }
  void deallocate(T* place, std::size_t count) noexcept {
    *bytes_ -= count * sizeof(T);
    std::allocator<T>{}.deallocate(place, count);
  }

  friend bool operator==(const counting_allocator& one, const counting_allocator& other) noexcept {
    return one.bytes_ == other.bytes_;
  }

 private:
  template <class Other>
  friend class counting_allocator;

  std::size_t* bytes_;  ///< guard: whoever changes the container
};

}  // namespace rcuvm::tree_bench
