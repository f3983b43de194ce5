// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Many random sequences, until one shows a difference.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "bench/diff_kernel/call.hpp"
#include "bench/diff_kernel/compare.hpp"
#include "bench/diff_kernel/model.hpp"
#include "rcuvm/base/address.hpp"

namespace rcuvm::diff_kernel {

struct search_options {
  std::uint64_t calls = 20'000;
  std::uint64_t seed = 1;
  std::uint64_t arena_bytes = 64 * page_size;
  std::function<void(std::uint64_t)> on_progress = [](std::uint64_t) {};  ///< calls made
};

/// A difference, and the shortest sequence found that shows one.
struct finding {
  std::uint64_t at_call = 0;  ///< of all, from 0
  std::vector<call> calls = {};
  diff_kernel::difference difference = {};  ///< of these calls
};

struct search_result {
  std::uint64_t calls = 0;  ///< made, the differing one included
  std::optional<diff_kernel::finding> finding = {};
};

/// Calls are made in sequences of some hundred, each in a child and an arena of its own. Throws std::runtime_error when that
/// cannot be had.
[[nodiscard]] search_result search(const search_options& how, model& by);

/// The calls of the sequence with that number, `count` at most.
[[nodiscard]] std::vector<call> sequence(const search_options& how, std::uint64_t number,
                                         std::uint64_t count = ~std::uint64_t{0});

}  // namespace rcuvm::diff_kernel
