// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where two maps texts differ, for a report.

#include <cstddef>
#include <span>
#include <string>

#include "proc_maps/entry.hpp"

namespace rcuvm::proc_maps {

struct diff_limits {
  std::size_t context = 1;  ///< equal lines shown before and after a difference
  std::size_t lines = 200;  ///< lines shown at most; how many more there are is said
};

/// Empty when both are equal; else lines that begin with '-' (expected, missing in actual), '+' (actual, not
/// expected), ' ' (both), and "..." where equal lines are left out.
///
/// Both lists rise by start address, as the kernel's do; so one pass pairs the lines by address. Cost: linear.
[[nodiscard]] std::string diff(std::span<const entry> expected, std::span<const entry> actual,
                               diff_limits limits = {});

}  // namespace rcuvm::proc_maps
