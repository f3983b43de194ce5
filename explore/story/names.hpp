// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a story calls the memory that it is about.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "explore/engine/trace.hpp"

namespace rcuvm::explore {

/// Objects are #1, #2, ... in the order in which the story mentions them; "#2+16" is 16 bytes into one.
class object_names {
 public:
  explicit object_names(const trace& told) : objects_{told.objects} {}

  /// Empty for what is no memory.
  [[nodiscard]] std::string name_of(std::uint32_t offset);
  /// An address inside the arena is told as its object, a small number as it is, others in hexadecimal.
  [[nodiscard]] std::string value_text(std::uint64_t value);
  /// The engine's findings say "#1a0" for the offset 0x1a0: put the story's names there.
  [[nodiscard]] std::string translate(const std::string& text);

  /// Null: no object lies there.
  [[nodiscard]] const arena::object* find(std::uint32_t offset) const;
  /// As they were mentioned.
  [[nodiscard]] const std::vector<const arena::object*>& mentioned() const noexcept { return mentioned_; }

 private:
  const std::vector<arena::object>& objects_;
  std::map<const arena::object*, std::size_t> numbers_;
  std::vector<const arena::object*> mentioned_;
};

}  // namespace rcuvm::explore
