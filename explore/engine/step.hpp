// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a virtual thread is about to do.

#include <cstdint>
#include <string_view>

#include "rcuvm/sync/checked.hpp"

namespace rcuvm::explore {

using sync::checked::access;
using sync::checked::order;
using sync::checked::sharing;

enum class operation : std::uint8_t {
  start,
  load,
  store,
  update,
  use,
  lock,
  try_lock,
  unlock,
  wait,
  wake,
  timeout,
  notify,
  begin_section,
  end_section,
  begin_grace_period,
  end_grace_period,
  join,
  yield,
  fence,
  allocate,
  free,
  choose,
  end
};

[[nodiscard]] std::string_view name_of(operation what) noexcept;

/// How a step conflicts with steps of other threads on the same object: two steps commute unless one of them writes.
/// `acquires` is the taking of a lock: it conflicts with other takings, and never with the release that it waits for. What
/// readers do to it only reads.
enum class conflict : std::uint8_t { none, reads, writes, acquires };

/// An object, or for a free the bytes of one: offsets in the arena, [first, end).
struct span_of_bytes {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
  [[nodiscard]] constexpr bool overlaps(span_of_bytes other) const noexcept {
    return first < other.end && other.first < end;
  }
};

struct step {
  operation what = operation::start;
  conflict how = conflict::none;
  span_of_bytes where;
};

/// Would the two give another result in the other order?
[[nodiscard]] constexpr bool is_dependent(const step& one, const step& two) noexcept {
  return one.how != conflict::none && two.how != conflict::none &&
         (one.how >= conflict::writes || two.how >= conflict::writes) && one.where.overlaps(two.where);
}

/// Objects that are no memory. The arena's own begin at first_offset.
namespace place {
inline constexpr span_of_bytes grace_period{8, 9};
inline constexpr span_of_bytes time{9, 10};
[[nodiscard]] constexpr span_of_bytes end_of(int thread) noexcept {
  return {16 + static_cast<std::uint32_t>(thread), 17 + static_cast<std::uint32_t>(thread)};
}
inline constexpr std::uint32_t first_offset = 64;
}  // namespace place

}  // namespace rcuvm::explore
