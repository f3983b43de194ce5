// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How far a long command has come, on stderr.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "rcuvm/sync/clock.hpp"

namespace rcuvm::cli {

/// One line that changes on a terminal, a line each elsewhere.
class progress_line {
 public:
  progress_line() = default;
  ~progress_line() {
    if (is_terminal_) fmt::print(stderr, "\r\033[K");
  }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  /// `done`: 0 to 1.
  void show(const std::string& what, double done) {
    const double elapsed_s = static_cast<double>(sync::now_ns() - begun_ns_) / 1e9;
    fmt::print(stderr, "{}[{:3.0f} %, {:3.0f} s] {}{}", is_terminal_ ? "\r\033[K" : "", done * 100, elapsed_s,
               what, is_terminal_ ? "" : "\n");
    std::fflush(stderr);
  }

 private:
  const bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
  const std::uint64_t begun_ns_ = sync::now_ns();
};

}  // namespace rcuvm::cli
