// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/read_section.hpp"

#include <benchmark/benchmark.h>

#include <string>

#include "bench/report/machine.hpp"
#include "bench/tree/benchmarks.hpp"
#include "bench/tree/rivals/kernel_maple.hpp"
#include "bench/tree/rivals/static_tree.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::tree_bench {

namespace {

void measure_read_section(benchmark::State& state) {
  const account counted;
  for ([[maybe_unused]] auto each : state) {
    for (std::size_t i = 0; i < lookups_at_a_time; ++i) {
      const sync::rcu::read_section empty;
      benchmark::ClobberMemory();
    }
  }
  counted.close(state, static_cast<double>(state.iterations()) * lookups_at_a_time);
}

}  // namespace

void add_read_section_benchmark() {
  add_benchmark(std::string{"read_section/"} + sync::rcu::flavour(), measure_read_section);
}

void describe_run(std::uint64_t seed) {
  const report::machine_facts facts = report::look_at_machine();
  benchmark::AddCustomContext("cpu", facts.cpu);
  benchmark::AddCustomContext("kernel", facts.kernel);
  benchmark::AddCustomContext("compiler", facts.compiler);
  benchmark::AddCustomContext("flags", facts.flags);
  benchmark::AddCustomContext("rcu", facts.rcu_flavour + " " + facts.rcu_version);
  benchmark::AddCustomContext("static_tree", std::string{static_tree::instructions()});
  benchmark::AddCustomContext("kernel_maple", std::string{kernel_maple::version()});
  benchmark::AddCustomContext("seed", std::to_string(seed));
}

}  // namespace rcuvm::tree_bench
