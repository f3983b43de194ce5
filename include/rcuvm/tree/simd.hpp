// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The descent through nodes of wide_layout, compiled for several instruction sets.
///
/// The first descent of the process asks the CPU what it has; each descent then costs one indirect call. All
/// variants give the same answers, and are compiled into every build.
///
/// Readers   any number, as of find.hpp.
/// Source    Google Highway (libhwy): dynamic dispatch, portable vectors.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rcuvm/tree/inner.hpp"
#include "rcuvm/tree/layout.hpp"
#include "rcuvm/tree/leaf.hpp"
#include "rcuvm/tree/node.hpp"
#include "rcuvm/tree/place.hpp"

namespace rcuvm::tree {
struct gap_request;
}

namespace rcuvm::tree::simd {

/// Named after what the search among a node's pivots uses; plain is the x86-64 baseline, or any other CPU.
enum class target : std::uint8_t { plain, avx2, avx512 };

[[nodiscard]] std::string_view name_of(target which) noexcept;

/// What descents use now.
[[nodiscard]] target chosen() noexcept;

/// Makes descents use no more than that, for a test or a measurement; false, and nothing has changed, when the
/// CPU or the build doesn't have it. Any thread, any time.
bool choose(target which) noexcept;

/// tree::find and tree::descend. The root is not null, the key not space_end.
[[nodiscard]] void* find(link<wide_layout> root, std::uint64_t key) noexcept;
void descend(link<wide_layout> root, std::uint64_t key, path_step<wide_layout>* step) noexcept;

/// gap_search::run.
[[nodiscard]] std::uint64_t find_gap(link<wide_layout> root, const gap_request& wanted,
                                     bool upwards) noexcept;

/// leaf::slot_of, inner::slot_of and leaf::gaps.
[[nodiscard]] unsigned slot_of(const leaf<wide_layout>& node, std::uint64_t key) noexcept;
[[nodiscard]] unsigned slot_of(const inner<wide_layout>& node, std::uint64_t key) noexcept;
[[nodiscard]] std::uint64_t gaps(const leaf<wide_layout>& node) noexcept;

/// Finds keys[0] .. keys[count-1], several at a time: while one waits for memory, the others go on.
void find_many(link<wide_layout> root, const std::uint64_t* keys, void** found, std::size_t count) noexcept;

}  // namespace rcuvm::tree::simd
