// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Strict replay: everything in recorded order on one thread, and the model's maps against the kernel's own words.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/replay/step.hpp"
#include "proc_maps/entry.hpp"

namespace rcuvm::replay {

/// What makes a model's maps differ from a sample, as far as the lines tell.
enum class cause : std::uint8_t {
  merge,     ///< the same memory, cut into lines at other places
  unlinked,  ///< only " (deleted)": a recording does not tell when a file lost its name
  name,
  offset,
  identity,  ///< device or inode
  permissions,
  missing,  ///< the kernel shows memory that the model has not
  surplus,  ///< the other way round
};
[[nodiscard]] std::string_view name_of(cause why) noexcept;

/// Empty when both are equal, line for line; `sampled` without the kernel's fixed gate [vsyscall].
[[nodiscard]] std::optional<cause> why_different(std::span<const proc_maps::entry> sampled,
                                                 std::span<const proc_maps::entry> modelled);

/// A sample's lines that a model can have: all but [vsyscall], which lies above every address space.
[[nodiscard]] std::vector<proc_maps::entry> without_gate(std::span<const proc_maps::entry> sampled);

/// A call that is not in a recording but must have been made, since the kernel's maps show what only it can do. The model
/// makes it then, and from there on must show it too.
enum class untold : std::uint8_t {
  unlink,  ///< of files: " (deleted)" stands at their names. No recording holds the calls that only change directories
  lock_all,  ///< mlockall(MCL_CURRENT) and munlockall(): join what mlock had cut. Only where a recording has neither
};
[[nodiscard]] std::string_view name_of(untold call) noexcept;

struct sample_difference {
  std::size_t sample = 0;  ///< index into trace::samples
  replay::cause cause = cause::merge;
  std::string diff;
};

/// A call that the model answered otherwise than the kernel.
struct answer_difference {
  std::size_t step = 0;  ///< index into script::steps
  int expected = 0;      ///< errno; 0 = success
  int got = 0;
};

struct strict_result {
  std::string design;
  std::size_t equal = 0;  ///< line for line
  std::map<std::string, std::size_t, std::less<>>
      after_untold;  ///< of those: only after these calls, by name
  std::vector<sample_difference> different;
  std::map<std::string, std::size_t, std::less<>> not_comparable;  ///< by reason
  std::vector<answer_difference> answers;                          ///< calls only
  std::uint64_t faults = 0;
  std::uint64_t faults_refused = 0;  ///< the program was refused the access, as far as the model knows
  std::uint64_t faults_raced = 0;  ///< refused, but the recording cannot tell what was mapped at that moment

  [[nodiscard]] std::size_t compared() const noexcept { return equal + different.size(); }
};

/// Replays under the design of that name. A file that lost its name, and a merge by a call that the recording lacks, are
/// learned from the samples (`untold`).
/// The answers (errno of each step) go to `answers` when it is not null, one per step.
[[nodiscard]] strict_result replay_strictly(const script& of, std::string_view design,
                                            std::vector<std::int16_t>* answers = nullptr);

/// Replays once, under the baseline, and makes its answers the expected ones, so that a measured run counts only where
/// a design, or the freer order, differs from that. Returns how many calls the model answers otherwise than the kernel.
std::size_t settle_expected_answers(script& of);

}  // namespace rcuvm::replay
