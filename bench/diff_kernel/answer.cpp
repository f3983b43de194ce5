// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/answer.hpp"

#include <fmt/format.h>

#include <cstring>

namespace rcuvm::diff_kernel {

std::string to_text(const answer& one) {
  switch (one.outcome) {
    case outcome::returned: return fmt::format("{:#x}", one.value);
    case outcome::failed: {
      const char* const name = ::strerrorname_np(static_cast<int>(one.value));
      return name != nullptr ? name : fmt::format("errno {}", one.value);
    }
    case outcome::not_mapped: return "SIGSEGV, nothing mapped";
    case outcome::not_allowed: return "SIGSEGV, no access";
    case outcome::beyond_file: return "SIGBUS";
  }
  return {};
}

}  // namespace rcuvm::diff_kernel
