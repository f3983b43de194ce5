// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the tree has to reach, as figures that a run can show.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/tree/figures.hpp"

namespace rcuvm::tree_bench {

/// One figure of a run.
struct figure_name {
  measurement of;
  std::string rival;
  std::string counter;
};

/// A figure of rcuvm, alone or against another one, at most `most`.
struct target {
  std::string_view group;  ///< "dependent lookup"
  figure_name ours;
  std::optional<figure_name> other;
  double most = 0;  ///< of ours / other; without other, of ours

  /// "find_each/uniform/1000: rcuvm / kernel"
  [[nodiscard]] std::string to_text() const;
};

[[nodiscard]] const std::vector<target>& targets();

struct judgement {
  const target* of = nullptr;
  std::optional<double> value;  ///< nothing: not measured

  [[nodiscard]] bool is_met() const noexcept { return value && *value <= of->most; }
};

[[nodiscard]] std::vector<judgement> judge(const figures& from);

}  // namespace rcuvm::tree_bench
