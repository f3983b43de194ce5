// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Failure of any allocation at all. sync::memory::failing_allocations makes the library's own ones fail; this makes those of the
/// standard library inside it fail, too (shared pointers, the page cache's hash map, the child of a fork).

#include <cstdint>

#include "rcuvm/sync/tsan.hpp"

namespace rcuvm::mm::testing {

/// The `nth` operator new of this thread from now fails. One at a time.
class failing_new {
 public:
  explicit failing_new(std::uint64_t nth) noexcept;
  ~failing_new();
  failing_new(const failing_new&) = delete;
  failing_new& operator=(const failing_new&) = delete;

  [[nodiscard]] bool has_failed() const noexcept;

  /// ThreadSanitizer's operator new cannot be replaced: nothing fails then.
#ifdef RCUVM_TSAN
  static constexpr bool works = false;
#else
  static constexpr bool works = true;
#endif
};

}  // namespace rcuvm::mm::testing
