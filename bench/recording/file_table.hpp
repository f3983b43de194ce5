// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Gives each file of a recording one number.

#include <string>
#include <unordered_map>
#include <vector>

#include "bench/recording/perf_event.hpp"
#include "bench/recording/recording.hpp"

namespace rcuvm::recording {

class file_table {
 public:
  explicit file_table(std::vector<file>& files) : files_{files} {}

  /// The announcement as a notice; a file that is new gets a number.
  [[nodiscard]] notice make_notice(const perf::mapping& seen);

 private:
  [[nodiscard]] file_id number_of(const perf::mapping& seen);

  std::vector<file>& files_;
  std::unordered_multimap<std::uint64_t, file_id> by_inode_;
};

}  // namespace rcuvm::recording
