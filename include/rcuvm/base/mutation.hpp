// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the checked build can leave out, to show that the explorer misses it.

#include <cstdint>

namespace rcuvm {

/// A wait, a check or an order that a sound design needs. explore/scenarios/twins.cpp says in words what each leaves out, and
/// which scenario catches it. In every other build is_mutated() is false, and nothing of this is left.
enum class mutation : std::uint8_t {
  none,
  install_without_vma_check,
  install_without_stray_check,
  publish_without_kill,
  unmap_without_shootdown,
  unlink_without_stray,
  retire_without_grace_period,
  publish_relaxed,
};

#ifdef RCUVM_CHECKED
/// guard: set between two runs of the explorer.
extern constinit mutation active_mutation;
[[nodiscard]] inline bool is_mutated(mutation which) noexcept { return active_mutation == which; }
#else
[[nodiscard]] constexpr bool is_mutated(mutation) noexcept { return false; }
#endif

}  // namespace rcuvm
