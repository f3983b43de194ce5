// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The kernel's side: a child process that performs a sequence of calls, read from its parent.

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <vector>

#include "bench/diff_kernel/answer.hpp"
#include "bench/diff_kernel/call.hpp"
#include "bench/diff_kernel/descriptor.hpp"
#include "bench/diff_kernel/scene.hpp"
#include "rcuvm/base/range.hpp"

namespace rcuvm::diff_kernel {

/// The child runs ahead as far as a pipe holds; nobody waits for anybody after each call.
class kernel_run {
 public:
  /// Starts the child. Throws std::system_error. `calls` outlive the run.
  kernel_run(std::span<const call> calls, const stage& on);
  /// Ends the child.
  ~kernel_run();
  kernel_run(const kernel_run&) = delete;
  kernel_run& operator=(const kernel_run&) = delete;

  [[nodiscard]] const scene_files& files() const noexcept { return files_; }

  /// What came of the next call, at most as often as there are calls. Throws std::runtime_error when the child cannot go on.
  [[nodiscard]] sight next();

 private:
  /// Fills `into` from the pipe.
  void take(std::span<char> into);
  [[noreturn]] void tell_end();

  std::span<const call> calls_;  ///< to be answered
  range arena_;
  scene_files files_;
  descriptor from_child_;
  pid_t child_ = -1;
  std::vector<char> buffer_;  ///< read from the pipe ...
  std::size_t begin_ = 0;     ///< ... and taken up to here ...
  std::size_t end_ = 0;       ///< ... of so much
};

}  // namespace rcuvm::diff_kernel
