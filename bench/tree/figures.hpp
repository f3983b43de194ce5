// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The figures of one or more runs, read back from Google Benchmark's JSON.

#include <compare>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "bench/statistics.hpp"

namespace rcuvm::tree_bench {

/// The parts of a benchmark's name: WHAT/KEYS/DATA, without keys WHAT/DATA.
struct measurement {
  std::string what;
  std::string keys;  ///< "uniform"; empty: no keys are looked up
  std::string data;

  [[nodiscard]] std::string to_text() const { return what + (keys.empty() ? "" : "/" + keys) + "/" + data; }
  friend auto operator<=>(const measurement&, const measurement&) = default;
};

class figures {
 public:
  using counters = std::map<std::string, spread, std::less<>>;  ///< by name, over the repetitions

  /// Adds a file. The error says what is wrong with it.
  [[nodiscard]] std::expected<void, std::string> read(const std::filesystem::path& file);
  [[nodiscard]] std::expected<void, std::string> parse(std::string_view json);

  /// By measurement, then by rival.
  [[nodiscard]] const std::map<measurement, std::map<std::string, counters>>& all() const noexcept {
    return all_;
  }
  /// What the first file says about the machine and the build.
  [[nodiscard]] const std::map<std::string, std::string>& context() const noexcept { return context_; }

  /// The median of a counter; nothing when it was not measured.
  [[nodiscard]] std::optional<double> median(const measurement& of, const std::string& rival,
                                             std::string_view counter) const;

 private:
  std::map<measurement, std::map<std::string, counters>> all_;
  std::map<std::string, std::string> context_;
};

}  // namespace rcuvm::tree_bench
