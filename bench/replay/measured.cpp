// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/measured.hpp"

#include <array>
#include <memory>
#include <vector>

#include "bench/replay/workers.hpp"
#include "rcuvm/designs/designs.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::replay {

namespace {

/// Adds up what the passes of a run leave.
class ledger {
 public:
  void add_pass(const plan& of, std::uint64_t wall_ns, const std::vector<worker_log>& logs) {
    wall_ns_ += wall_ns;
    for (std::size_t worker = 0; worker < logs.size(); ++worker) {
      const worker_log& log = logs[worker];
      waited_ns_ += log.waited_ns;
      for (std::size_t index = 0; index < log.latencies_ns.size(); ++index) {
        const step& one = of.of->steps[of.workers[worker][index].step];
        by_verb_[static_cast<std::size_t>(one.what)].add(log.latencies_ns[index]);
      }
      for (const auto& [step, got] : log.answers)
        ++different_[static_cast<std::size_t>(of.of->steps[step].what)];
    }
  }

  void add_limbo(const reclaim::limbo::statistics& before, const reclaim::limbo::statistics& after) {
    high_water_bytes_ = std::max(high_water_bytes_, after.high_water_bytes);
    high_water_objects_ = std::max(high_water_objects_, after.high_water_objects);
    retired_ += after.retired - before.retired;
    grace_periods_ += after.grace_periods - before.grace_periods;
    throttled_ += after.throttled - before.throttled;
    throttled_ns_ += after.throttled_ns - before.throttled_ns;
  }

  walker_log walked;
  vm::counters counted;

  [[nodiscard]] measurement close(const plan& of, std::uint32_t passes) const {
    measurement made;
    const double wall_s = static_cast<double>(wall_ns_) / 1e9;
    const double steps = static_cast<double>(of.of->steps.size()) * passes;
    const double faults = static_cast<double>(of.of->faults) * passes;
    const auto per_pass = [passes](std::uint64_t total) { return static_cast<double>(total) / passes; };
    figures& to = made.values;
    to["wall_s"] = wall_s;
    to["steps_per_s"] = steps / wall_s;
    to["faults_per_s"] = faults / wall_s;
    to["worker_wait_s"] = static_cast<double>(waited_ns_) / 1e9;

    double different = 0;
    for (std::size_t index = 0; index < verb_count; ++index) {
      const auto what = static_cast<verb>(index);
      const latency_histogram& of_verb = by_verb_[index];
      if (of_verb.count() == 0) continue;
      add_latencies(to, name_of(what), of_verb);
      if (is_call_of_a_writer(what)) made.shapes.writers += of_verb;
      if (different_[index] == 0) continue;
      to[std::string{"different."}.append(name_of(what))] = per_pass(different_[index]);
      different += per_pass(different_[index]);
    }
    to["different"] = different;
    made.shapes.faults = by_verb_[static_cast<std::size_t>(verb::fault)];
    made.shapes.walks = walked.walks;
    add_latencies(to, "writer", made.shapes.writers);
    if (walked.walks.count() != 0) {
      add_latencies(to, "walk", walked.walks);
      to["walk.lines_per_s"] =
          static_cast<double>(walked.lines) / (static_cast<double>(walked.walks.sum_ns()) / 1e9);
    }

    vm::counters::for_each(counted, [&](const char* name, std::uint64_t value, bool is_peak) {
      to[std::string{"count."}.append(name)] = is_peak ? static_cast<double>(value) : per_pass(value);
    });
    to["limbo.high_water_bytes"] = static_cast<double>(high_water_bytes_);
    to["limbo.high_water_objects"] = static_cast<double>(high_water_objects_);
    to["limbo.retired"] = per_pass(retired_);
    to["limbo.grace_periods"] = per_pass(grace_periods_);
    to["limbo.throttled"] = per_pass(throttled_);
    to["limbo.throttled_ns"] = per_pass(throttled_ns_);
    return made;
  }

 private:
  /// exec, fork and exit are many changes in one; they have their own figures.
  static bool is_call_of_a_writer(verb what) {
    return is_writer(what) && what != verb::begin && what != verb::fork && what != verb::end;
  }

  std::array<latency_histogram, verb_count> by_verb_;
  std::array<std::uint64_t, verb_count> different_{};
  std::uint64_t wall_ns_ = 0;
  std::uint64_t waited_ns_ = 0;
  std::uint64_t high_water_bytes_ = 0;
  std::uint64_t high_water_objects_ = 0;
  std::uint64_t retired_ = 0;
  std::uint64_t grace_periods_ = 0;
  std::uint64_t throttled_ = 0;
  std::uint64_t throttled_ns_ = 0;
};

template <class Space>
measurement measure_passes(const plan& of, const measure_options& how) {
  vm::machine machine{{.readers = how.readers}};
  vm::cpu main_cpu{machine};
  std::vector<std::unique_ptr<vm::cpu>> cpus;
  for (std::size_t worker = 0; worker < of.workers.size(); ++worker) {
    cpus.push_back(std::make_unique<vm::cpu>(machine));
  }
  std::vector<worker_log> logs(of.workers.size());
  ledger all;
  for (std::uint32_t repeat = 0; repeat < how.passes; ++repeat) {
    pass<Space> one{of, machine, how};
    machine.limbo().reset_high_water();
    const auto before = machine.limbo().read_statistics();
    const std::uint64_t wall_ns = one.run(cpus, logs, all.walked);
    all.add_limbo(before, machine.limbo().read_statistics());
    all.add_pass(of, wall_ns, logs);
    one.end_all(main_cpu);
    machine.limbo().drain();
  }
  for (const auto& cpu : cpus) all.counted += cpu->count;
  return all.close(of, how.passes);
}

}  // namespace

measurement measure(const plan& of, std::string_view design, const measure_options& how) {
  measurement made;
  const sync::rcu::registration here{"measure"};
  designs::with_named(design, [&]<class Design> { made = measure_passes<address_space<Design>>(of, how); });
  return made;
}

}  // namespace rcuvm::replay
