// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lines of the source tree that this program was built from.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rcuvm::explore {

/// A path of the debug information, from the root of the source tree; absolute where it lies elsewhere.
[[nodiscard]] std::string from_root(std::string_view path);

/// A text without the root of the source tree wherever it stands in it.
[[nodiscard]] std::string without_root(std::string text);

/// Reads each file once.
class source_tree {
 public:
  /// Without blanks at the ends; empty where there is no such line.
  [[nodiscard]] const std::string& line(const std::string& file, int number);

 private:
  std::map<std::string, std::vector<std::string>> files_;
};

}  // namespace rcuvm::explore
