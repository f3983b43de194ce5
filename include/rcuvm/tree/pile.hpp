// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A list of words that grows at its end, keeps the first few inside itself, and says so when there is no
/// memory.

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "rcuvm/base/check.hpp"
#include "rcuvm/sync/memory.hpp"

namespace rcuvm::tree {

/// Writers: the thread that owns it.
template <class T, std::uint32_t Inline = 16>
class pile {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  pile() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the array alone
  ~pile() { release(); }
  pile(const pile&) = delete;
  pile& operator=(const pile&) = delete;

  /// Room for that many more; false when there is no memory, and nothing has changed.
  [[nodiscard]] bool reserve(std::uint32_t more) noexcept {
    if (more <= capacity_ - size_) return true;
    std::uint32_t wanted = capacity_;
    while (wanted - size_ < more) wanted *= 2;
    void* larger = sync::memory::allocate(bytes(wanted), alignof(T));
    if (larger == nullptr) return false;
    std::memcpy(larger, data_, bytes(size_));
    release();
    data_ = static_cast<T*>(larger);
    capacity_ = wanted;
    return true;
  }
  void push_reserved(T value) noexcept {
    RCUVM_ASSERT(size_ < capacity_, "room was not reserved");
    data_[size_++] = value;
  }
  [[nodiscard]] bool push(T value) noexcept {
    if (!reserve(1)) return false;
    push_reserved(value);
    return true;
  }
  void shrink_to(std::uint32_t size) noexcept { size_ = size; }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }
  [[nodiscard]] T& operator[](std::uint32_t i) noexcept { return data_[i]; }
  [[nodiscard]] const T* begin() const noexcept { return data_; }
  [[nodiscard]] const T* end() const noexcept { return data_ + size_; }

 private:
  static constexpr std::size_t bytes(std::uint32_t count) noexcept { return std::size_t{count} * sizeof(T); }
  void release() noexcept {
    if (data_ != inside_) sync::memory::deallocate(data_, bytes(capacity_), alignof(T));
  }

  T* data_ = inside_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = Inline;
  T inside_[Inline];
};

}  // namespace rcuvm::tree
