// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All memory that the library takes while it runs, so that a test can make any single allocation fail.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace rcuvm::sync::memory {

/// `bytes` bytes at a multiple of `alignment` (a power of two), or nullptr. Free with deallocate() and the same numbers.
[[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) noexcept;

/// Gives back what allocate() returned; any thread may. nullptr is ignored.
void deallocate(void* object, std::size_t bytes, std::size_t alignment) noexcept;

/// A new T, or nullptr when there is no memory (also when T's constructor throws std::bad_alloc).
template <class T, class... Arguments>
[[nodiscard]] T* make(Arguments&&... arguments) noexcept {
  void* place = allocate(sizeof(T), alignof(T));
  if (place == nullptr) return nullptr;
  if constexpr (std::is_nothrow_constructible_v<T, Arguments...>) {
    return std::construct_at(static_cast<T*>(place), std::forward<Arguments>(arguments)...);
  } else {
    try {
      return std::construct_at(static_cast<T*>(place), std::forward<Arguments>(arguments)...);
    } catch (const std::bad_alloc&) {
      deallocate(place, sizeof(T), alignof(T));
      return nullptr;
    }
  }
}

/// Ends what make<T>() began. nullptr is ignored.
template <class T>
void destroy(T* object) noexcept {
  if (object == nullptr) return;
  std::destroy_at(object);
  deallocate(object, sizeof(T), alignof(T));
}

/// The place of a T for make_or_reuse().
struct reusable {
  void* place;   ///< nullptr: no memory
  bool is_kept;  ///< a T stands there, which keep() has got
};
[[nodiscard]] reusable allocate_or_reuse(std::size_t bytes, std::size_t alignment) noexcept;
/// Keeps what stands in the place of `object` for allocate_or_reuse(), or takes the memory back.
void keep_or_deallocate(void* object, std::size_t bytes, std::size_t alignment) noexcept;

/// A new T, or one that keep() has got and that was still as its constructor leaves it. Null when there is no memory.
template <class T>
[[nodiscard]] T* make_or_reuse() noexcept {
  const reusable found = allocate_or_reuse(sizeof(T), alignof(T));
  if (found.place == nullptr || found.is_kept) return static_cast<T*>(found.place);
  return std::construct_at(static_cast<T*>(found.place));
}

/// Instead of destroy(), for an object that its user has brought back to what its constructor had made. For one type only, of
/// the size of a page and a little more: what it saves is to clear the page. Null is ignored. Source: Bonwick, The Slab
/// Allocator, USENIX 1994; Linux 2.6 kept its page tables so (quicklists).
template <class T>
void keep(T* object) noexcept {
  static_assert(std::is_nothrow_default_constructible_v<T> && std::is_trivially_destructible_v<T>);
  if (object != nullptr) keep_or_deallocate(object, sizeof(T), alignof(T));
}

/// For standard containers: throws std::bad_alloc where allocate() returns nullptr.
template <class T>
struct allocator {
  using value_type = T;
  using is_always_equal = std::true_type;

  allocator() noexcept = default;
  template <class Other>
  allocator(const allocator<Other>&) noexcept {}  // NOLINT: allocators of one family convert

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length{};
    void* place = memory::allocate(count * sizeof(T), alignof(T));
    if (place == nullptr) throw std::bad_alloc{};
    return static_cast<T*>(place);
  }
  void deallocate(T* place, std::size_t count) noexcept {
    memory::deallocate(place, count * sizeof(T), alignof(T));
  }

  friend bool operator==(const allocator&, const allocator&) noexcept { return true; }
};

/// Makes an allocation of this thread fail: the `nth` allocate() from now (1 is the next one), and with `for_good` all
/// after it too. Ends with its scope; an inner one hides the outer one meanwhile. Other threads notice nothing.
///
///   for (std::uint64_t nth = 1;; ++nth) {
///     sync::memory::failing_allocations failing{nth};
///     ... the call, and what must hold when it fails ...
///     if (!failing.has_failed()) break;   // the call needs fewer than nth allocations: all of them were tried
///   }
class failing_allocations {
 public:
  enum class how { once, for_good };

  explicit failing_allocations(std::uint64_t nth, how after = how::once) noexcept;
  ~failing_allocations();
  failing_allocations(const failing_allocations&) = delete;
  failing_allocations& operator=(const failing_allocations&) = delete;

  [[nodiscard]] bool has_failed() const noexcept { return failed_ != 0; }

 private:
  friend void* allocate(std::size_t, std::size_t) noexcept;
  [[nodiscard]] bool fails_now() noexcept;

  std::uint64_t left_;  ///< allocations until the failing one. guard: the thread that made it, as all fields
  how after_;
  std::uint64_t failed_ = 0;
  failing_allocations* outer_;
};

}  // namespace rcuvm::sync::memory
