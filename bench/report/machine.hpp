// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a measurement ran on, and how the program was built: without it a figure means nothing.

#include <array>
#include <cstdint>
#include <string>

namespace rcuvm::report {

struct machine_facts {
  std::string date;         ///< UTC, ISO 8601
  std::string cpu;          ///< /proc/cpuinfo "model name"
  std::uint32_t cores = 0;  ///< CPUs that this process may use
  bool is_virtual = false;  ///< the CPU says that a hypervisor runs it
  std::uint64_t memory_bytes = 0;
  std::string kernel;  ///< "Linux 6.18.44 x86_64"
  std::string system;  ///< /etc/os-release PRETTY_NAME
  std::string compiler;
  std::string flags;
  std::string version;  ///< of rcuvm
  bool has_assertions = false;
  bool is_optimized = false;
  std::string sanitizer;  ///< empty: none
  std::string rcu_flavour;
  std::string rcu_version;
  double clock_cost_ns = 0;             ///< of one reading; each latency holds about one
  std::array<double, 3> load_before{};  ///< load averages over 1, 5 and 15 minutes
  std::array<double, 3> load_after{};

  friend bool operator==(const machine_facts&, const machine_facts&) = default;
};

/// Everything but load_after. Takes about 30 ms, for the clock.
[[nodiscard]] machine_facts look_at_machine();
[[nodiscard]] std::array<double, 3> load_averages();

}  // namespace rcuvm::report
