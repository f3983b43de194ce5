// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The ranges that all rivals hold, and the keys that they are asked for.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rcuvm/base/range.hpp"

namespace rcuvm::tree_bench {

/// What every rival maps its ranges to. Trees hold its address and never look into it.
struct record {
  range where;
};

/// Ranges of one address space, in rising order, none overlapping another.
struct data_set {
  std::string name;             ///< "30000", "maps:chromium_browser", "faults:emacs_batch"
  std::vector<record> records;  ///< not empty
  std::vector<std::uint64_t>
      faults;  ///< addresses that a recorded program faulted at, in its order; may be empty

  /// From the start of the first range to the end of the last.
  [[nodiscard]] range extent() const { return {records.front().where.start, records.back().where.end}; }
};

/// `ranges` ranges in clusters as in real maps: 1 to 8 that touch each other, then a gap. Ends are multiples of a page.
/// Most ranges have up to 64 pages and one in 20 up to 2,000; three gaps in four have 17 pages, the others up to 5,000.
[[nodiscard]] data_set make_clusters(std::size_t ranges, std::uint64_t seed);

/// The ranges of a /proc/PID/maps text; of a text with many (`@@` lines, as beside the recordings), those of the longest.
/// The error says what is wrong with the text.
[[nodiscard]] std::expected<data_set, std::string> parse_maps(std::string name, std::string_view text);

/// The same from a file, packed with xz when its name ends in .xz.
[[nodiscard]] std::expected<data_set, std::string> read_maps(const std::string& file);

/// The largest maps of one process of a recording (by name or path), and the faults of that address space.
[[nodiscard]] std::expected<data_set, std::string> read_recording(const std::string& name_or_path);

/// The records in an order that has nothing to do with their addresses.
[[nodiscard]] std::vector<const record*> shuffled(const data_set& from, std::uint64_t seed);

/// Which keys are looked up.
enum class distribution : std::uint8_t { uniform, zipf, faults };
[[nodiscard]] std::string_view name_of(distribution which) noexcept;

/// Exponent of the Zipf distribution over the ranges, as in YCSB.
inline constexpr double zipf_exponent = 0.99;

/// `count` keys. Uniform and Zipf: a range of that distribution (which of them are popular is random), and in it a random
/// address. Faults: the recorded ones, again and again.
[[nodiscard]] std::vector<std::uint64_t> make_keys(const data_set& from, distribution which,
                                                   std::size_t count, std::uint64_t seed);

/// A search for `size` free keys inside `within`.
struct gap_request {
  std::uint64_t size = 0;
  range within;
};

/// Which end of the space the searches start from.
enum class gap_side : std::uint8_t { lowest, highest };

/// Requests that few gaps can meet (the size is one of the largest hundredth, or of the three largest), from a random
/// place on to the end of the extent (lowest) or from its start to a random place (highest).
[[nodiscard]] std::vector<gap_request> make_gap_requests(const data_set& from, gap_side side,
                                                         std::size_t count, std::uint64_t seed);

}  // namespace rcuvm::tree_bench
