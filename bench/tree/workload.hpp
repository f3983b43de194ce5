// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What is measured on one data set: everything that all rivals share, made when it is first asked for.

#include <map>
#include <memory>
#include <vector>

#include "bench/tree/loops.hpp"

namespace rcuvm::tree_bench {

/// Used on one thread; what it hands out is not changed any more.
class workload {
 public:
  /// A power of two. Enough that at a million ranges most lookups of a pass go to a range of their own.
  static constexpr std::size_t key_count = std::size_t{1} << 20U;
  static constexpr std::size_t gap_request_count = std::size_t{1} << 14U;

  workload(data_set over, std::uint64_t seed) : set_{std::move(over)}, seed_{seed} {}

  [[nodiscard]] const data_set& data() const noexcept { return set_; }
  [[nodiscard]] const std::string& name() const noexcept { return set_.name; }
  [[nodiscard]] std::size_t size() const noexcept { return set_.records.size(); }
  /// Recorded faults where there are some, else uniform and Zipf; of real maps, uniform alone.
  [[nodiscard]] std::vector<distribution> distributions() const;

  /// The order of the first stores.
  [[nodiscard]] records insertion_order();
  /// The order of later changes: another one, so that neighbours in time are not neighbours twice.
  [[nodiscard]] records change_order();
  /// By address.
  [[nodiscard]] records rising_order();
  [[nodiscard]] keys keys_of(distribution which);
  [[nodiscard]] std::span<const gap_request> gap_requests(gap_side side);

 private:
  data_set set_;
  std::uint64_t seed_;
  std::vector<const record*> insertion_;
  std::vector<const record*> change_;
  std::vector<const record*> rising_;
  std::map<distribution, std::vector<std::uint64_t>> keys_;
  std::map<gap_side, std::vector<gap_request>> gaps_;
};

}  // namespace rcuvm::tree_bench
