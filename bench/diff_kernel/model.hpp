// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The model's side: an address space of rcuvm under one design that performs calls.

#include <memory>
#include <string_view>
#include <vector>

#include "bench/diff_kernel/answer.hpp"
#include "bench/diff_kernel/call.hpp"
#include "bench/diff_kernel/scene.hpp"
#include "rcuvm/vm/file.hpp"

namespace rcuvm::diff_kernel {

/// Writers   the thread that made it; it is registered with RCU meanwhile.
class model {
 public:
  virtual ~model() = default;
  model(const model&) = delete;
  model& operator=(const model&) = delete;

  /// A new address space with nothing in it but the fences, and new files of zeros.
  virtual void start(const stage& on, const std::vector<vm::file_identity>& files) = 0;
  [[nodiscard]] virtual sight perform(const call& one) = 0;

 protected:
  model() = default;
};

/// `design`: one of designs::names().
[[nodiscard]] std::unique_ptr<model> make_model(std::string_view design);

}  // namespace rcuvm::diff_kernel
