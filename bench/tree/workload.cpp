// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/workload.hpp"

#include <algorithm>

namespace rcuvm::tree_bench {

std::vector<distribution> workload::distributions() const {
  if (!set_.faults.empty()) return {distribution::faults};
  if (name().starts_with("maps:")) return {distribution::uniform};
  return {distribution::uniform, distribution::zipf};
}

records workload::insertion_order() {
  if (insertion_.empty()) insertion_ = shuffled(set_, seed_ + 1);
  return insertion_;
}

records workload::change_order() {
  if (change_.empty()) change_ = shuffled(set_, seed_ + 2);
  return change_;
}

records workload::rising_order() {
  if (rising_.empty()) {
    for (const record& one : set_.records) rising_.push_back(&one);
  }
  return rising_;
}

keys workload::keys_of(distribution which) {
  auto& made = keys_[which];
  if (made.empty()) made = make_keys(set_, which, key_count, seed_ + 3);
  return made;
}

std::span<const gap_request> workload::gap_requests(gap_side side) {
  auto& made = gaps_[side];
  if (made.empty()) made = make_gap_requests(set_, side, gap_request_count, seed_ + 4);
  return made;
}

}  // namespace rcuvm::tree_bench
