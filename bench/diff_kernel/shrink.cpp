// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/shrink.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace rcuvm::diff_kernel {

namespace {

std::vector<call> without(const std::vector<call>& calls, std::size_t from, std::size_t count) {
  std::vector<call> made;
  made.reserve(calls.size());
  for (std::size_t index = 0; index < calls.size(); ++index) {
    if (index < from || index >= from + count) made.push_back(calls[index]);
  }
  return made;
}

}  // namespace

std::vector<call> shrink(std::vector<call> calls,
                         const std::function<bool(const std::vector<call>&)>& fails) {
  std::size_t part = calls.size() / 2;
  while (part > 0) {
    bool is_shorter = false;
    for (std::size_t from = 0; from < calls.size();) {
      auto fewer = without(calls, from, part);
      if (!fewer.empty() && fails(fewer)) {
        calls = std::move(fewer);
        is_shorter = true;
      } else {
        from += part;
      }
    }
    part = is_shorter ? std::min(part, calls.size() / 2 + 1) : part / 2;
    if (calls.size() == 1) break;
  }
  return calls;
}

}  // namespace rcuvm::diff_kernel
