// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/recording.hpp"

namespace rcuvm::recording {

std::string_view name_of(comparison why) noexcept {
  switch (why) {
    case comparison::comparable: return "comparable";
    case comparison::no_such_space: return "no such process at that time";
    case comparison::unknown_contents: return "its space was there before the recording began";
    case comparison::exec_in_progress: return "exec in progress";
    case comparison::call_in_flight: return "call in flight";
    case comparison::changed_meanwhile: return "changed meanwhile";
    case comparison::past_the_end: return "past the end of the recording";
  }
  return "?";
}

std::string reading_report::to_text() const {
  std::string text = std::to_string(lines) + " lines\n";
  for (const auto& [name, of_class] : classes) {
    text += "  " + name + ": " + std::to_string(of_class.lines);
    const std::uint64_t unused = of_class.without_event;
    if (unused > 0) text += ", " + std::to_string(unused) + " without an event";
    text += '\n';
  }
  for (const auto& [name, count] : failed_calls) {
    text += "  refused by the kernel: " + name + ": " + std::to_string(count) + '\n';
  }
  for (const auto& [what, count] : oddities) text += "  odd: " + what + ": " + std::to_string(count) + '\n';
  for (const auto& warning : warnings) text += "  warning: " + warning + '\n';
  return text;
}

}  // namespace rcuvm::recording
