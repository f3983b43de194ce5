// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/exec_image.hpp"

#include <algorithm>

namespace rcuvm::recording {

bool exec_image::has_seen(file_id file) const noexcept {
  return std::ranges::find(files_, file) != files_.end();
}

void exec_image::add(const notice& seen, std::uint64_t first_segment) {
  notice kept = seen;
  if (seen.kind == backing::file && !has_seen(seen.file)) {
    files_.push_back(seen.file);
    if (first_segment != 0) kept.where.end = seen.where.start + std::min(seen.where.size(), first_segment);
  }
  cut(seen.where);
  maps_.emplace(kept.where.start, kept);
}

void exec_image::cut(range hole) {
  auto at = maps_.lower_bound(hole.start);
  if (at != maps_.begin() && std::prev(at)->second.where.end > hole.start) --at;
  while (at != maps_.end() && at->second.where.start < hole.end) {
    const notice old = at->second;
    at = maps_.erase(at);
    if (old.where.start < hole.start) {
      notice below = old;
      below.where.end = hole.start;
      maps_.emplace(below.where.start, below);
    }
    if (old.where.end > hole.end) {
      notice above = old;
      above.where.start = hole.end;
      above.offset += hole.end - old.where.start;
      at = maps_.emplace(above.where.start, above).first;
      ++at;
    }
  }
}

std::vector<notice> exec_image::maps() const {
  std::vector<notice> all;
  all.reserve(maps_.size());
  for (const auto& [start, one] : maps_) all.push_back(one);
  return all;
}

}  // namespace rcuvm::recording
