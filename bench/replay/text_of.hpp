// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An address space as the text of /proc/PID/maps.

#include <cstdint>
#include <string>

#include "bench/replay/measured.hpp"
#include "proc_maps/format.hpp"
#include "proc_maps/from_model.hpp"

namespace rcuvm::replay {

/// Walks `space` and leaves its lines in `text`; returns how many. `how` is not none.
///
/// The text is made as a read of /proc/PID/maps makes it: under the design's guard in a chunked walk.
template <class Space>
std::uint64_t text_of(Space& space, walker how, std::size_t chunk_lines, std::string& text) {
  std::uint64_t lines = 0;
  text.clear();
  const auto print = [&](const vm::vma& one) {
    proc_maps::append_line(text, proc_maps::entry_of(one.fields(), {}));
    ++lines;
  };
  if (how == walker::snapshot) {
    space.walk_snapshot(print);
  } else {
    space.walk_chunked(chunk_lines, print);
  }
  return lines;
}

}  // namespace rcuvm::replay
