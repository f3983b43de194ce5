// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A workload that is known elsewhere, as a few threads that each do a few steps again and again.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcuvm::workload {

/// What a step does. Those that are timed come first.
enum class verb : std::uint8_t {
  map,
  unmap,
  protect,
  drop,  ///< madvise DONTNEED
  touch,
  brk,
  walk,
  fork,
  stay,  ///< inside the design's read guard, at work
  spin,
  sleep,
  exchange  ///< wait for the others of the group, take the next one's region
};
inline constexpr std::size_t verb_count = 12;
/// As a scenario's file says it.
[[nodiscard]] std::string_view name_of(verb what) noexcept;
[[nodiscard]] constexpr bool is_timed(verb what) noexcept { return what <= verb::fork; }

enum class memory : std::uint8_t { anonymous, private_file, shared_file };
enum class place : std::uint8_t {
  anywhere,  ///< where the address space finds room
  own,       ///< far away from what other threads map
  shared     ///< side by side with the other threads' parts, so that mappings merge
};

struct step {
  verb what = verb::spin;
  std::size_t region = 0;         ///< index of a thread's regions
  std::uint64_t pages = 0;        ///< map: how many
  workload::memory memory = {};   ///< map
  workload::place at = {};        ///< map
  bool is_write = false;          ///< touch
  bool is_writable = false;       ///< protect
  bool is_random = false;         ///< touch: `pages` pages of the region by chance, not each once
  std::int64_t grows = 0;         ///< brk: pages
  std::uint64_t nanoseconds = 0;  ///< stay, spin, sleep
  bool is_snapshot = false;       ///< walk
};

struct thread_group {
  std::string name;
  std::optional<unsigned> count;     ///< none: as many as the command asks for
  std::vector<std::string> regions;  ///< names, as the steps use them
  std::vector<step> setup;           ///< once, before the clock starts
  std::vector<step> loop;
};

struct scenario {
  std::string name;
  std::string source;  ///< where it is known from
  std::string what;    ///< one line
  std::vector<thread_group> groups;

  /// Threads when `asked` are asked for.
  [[nodiscard]] unsigned threads(unsigned asked) const noexcept {
    unsigned sum = 0;
    for (const thread_group& each : groups) sum += each.count.value_or(asked);
    return sum;
  }
};

/// Reads a scenario. `from` names the text in errors. Throws std::runtime_error that says where, what and what is known.
[[nodiscard]] scenario parse(std::string_view text, const std::string& from);

}  // namespace rcuvm::workload
