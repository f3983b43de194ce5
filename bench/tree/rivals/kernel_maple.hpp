// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The Linux kernel's own maple tree, from a shared object that its user has built (kernel_maple/build).

#include <memory>
#include <string>

#include "bench/tree/kernel_maple/table.h"
#include "bench/tree/loops.hpp"

namespace rcuvm::tree_bench {

/// Threads that read are registered with liburcu-memb: a program of that flavour is needed.
class kernel_maple {
 public:
  static constexpr std::string_view name = "kernel";
  static constexpr std::string_view what =
      "the Linux kernel's maple tree, read under RCU; its nodes freed by call_rcu";

  /// Loads the shared object, for the life of the process. Throws std::runtime_error.
  static void load(const std::string& path);
  [[nodiscard]] static bool is_loaded() noexcept { return table_ != nullptr; }
  /// "Linux 6.1"; empty: not loaded.
  [[nodiscard]] static std::string_view version() noexcept { return is_loaded() ? table_->kernel : ""; }

  kernel_maple();

  void build(records in_order);
  [[nodiscard]] const record* find_one(std::uint64_t key) const {
    return static_cast<const record*>(table_->find(tree_.get(), key));
  }
  [[nodiscard]] std::uint64_t find_dependent(keys wanted) const {
    return table_->find_dependent(tree_.get(), wanted.data(), wanted.size());
  }
  [[nodiscard]] std::uint64_t find_each(keys wanted) const {
    return table_->find_each(tree_.get(), wanted.data(), wanted.size());
  }
  [[nodiscard]] std::uint64_t find_all(keys wanted) const {
    return table_->find_all(tree_.get(), wanted.data(), wanted.size());
  }
  [[nodiscard]] std::uint64_t walk(std::size_t& count) const { return table_->walk(tree_.get(), &count); }
  [[nodiscard]] std::uint64_t find_gaps(gap_side side, std::span<const gap_request> wanted,
                                        std::uint64_t* starts) const;
  void erase_each(records some);
  void store_each(records some);
  void replace(records some);
  void replace_together(records some);
  static void drain() { table_->drain(); }
  [[nodiscard]] std::size_t bytes() const { return table_->bytes(tree_.get()); }

 private:
  static const rcuvm_kernel_maple* table_;

  std::unique_ptr<void, void (*)(void*)> tree_;
};

}  // namespace rcuvm::tree_bench
