// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace rcuvm::report {

/// Throws std::ios_base::failure.
inline void write_file(const std::filesystem::path& where, const std::string& text) {
  std::ofstream out{where, std::ios::binary};
  out.exceptions(std::ios::failbit | std::ios::badbit);
  out << text;
  out.close();
}

}  // namespace rcuvm::report
