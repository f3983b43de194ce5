// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/event_log.hpp"

#include <string>

namespace rcuvm::recording {

std::size_t event_log::append(space_id space, task_id task, const event::payload& what) {
  trace_.events.push_back({.time_ns = now_ns_, .space = space, .task = task, .what = what});
  return trace_.events.size() - 1;
}

table_slice event_log::add_notices(const std::vector<notice>& some) {
  const table_slice made{.first = static_cast<std::uint32_t>(trace_.notices.size()),
                         .count = static_cast<std::uint32_t>(some.size())};
  trace_.notices.insert(trace_.notices.end(), some.begin(), some.end());
  return made;
}

void event_log::note_oddity(std::string_view what, std::string_view detail) {
  std::string key{what};
  if (!detail.empty()) key.append(": ").append(detail);
  ++trace_.report.oddities[key];
}

void event_log::note_failure(std::string_view call) { ++trace_.report.failed_calls[std::string{call}]; }

}  // namespace rcuvm::recording
