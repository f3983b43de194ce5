// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The threads of one measured pass: workers that run the plan, and a walker that looks on.
///
///   main     start all ── all ready? ── go ························· join workers ── stop walker ── join
///   worker          ready ··········· step step │wait for 0:17│ step step  end
///   walker          ready ··········· walk pause walk pause walk pause ···········    end
///
/// Protects   nothing; the plan's waits order the steps, the world's slots keep the walker away from spaces that go.
/// Ordering   ready.W-ready.R: all threads stand at the line before the clock starts. go.W-go.R: the world is made
///            before the first step. done.W-done.R: a step that waits for another sees all of it. stop is a flag alone.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/replay/latency.hpp"
#include "bench/replay/measured.hpp"
#include "bench/replay/text_of.hpp"
#include "bench/replay/wait_until.hpp"
#include "bench/replay/world.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::replay {

/// What a worker notes while the clock runs; looked at afterwards.
struct worker_log {
  std::vector<std::uint64_t> latencies_ns;             ///< one per step
  std::vector<std::pair<std::uint32_t, int>> answers;  ///< step and errno where it was not the expected one
  std::uint64_t waited_ns = 0;
  std::uint64_t ended_ns = 0;
};

struct walker_log {
  latency_histogram walks;
  std::uint64_t lines = 0;
};

template <class Space>
class pass {
 public:
  pass(const plan& of, vm::machine& machine, const measure_options& how)
      : plan_{of}, how_{how}, world_{machine, *of.of}, done_(of.workers.size()) {}

  /// Returns the nanoseconds from the first step to the end of the last one. cpus and logs: one per worker.
  std::uint64_t run(std::vector<std::unique_ptr<vm::cpu>>& cpus, std::vector<worker_log>& logs,
                    walker_log& walked) {
    const bool has_walker = how_.mode != walker::none;
    std::uint64_t begun = 0;
    {
      std::vector<sync::thread> onlookers;
      if (has_walker) onlookers.emplace_back("walker", [&] { walk_on(walked); });
      {
        std::vector<sync::thread> workers;
        for (std::uint32_t index = 0; index < plan_.workers.size(); ++index) {
          workers.emplace_back("worker" + std::to_string(index),
                               [&, index] { work(index, *cpus[index], logs[index]); });
        }
        const std::size_t all = workers.size() + onlookers.size();
        wait_until([&] { return ready_.load_acquire() == all; });  // ready.R <- ready.W
        begun = sync::now_ns();
        go_.store_release(true);  // go.W -> go.R
      }
      stop_.store_relaxed(true);
    }
    const auto last = std::ranges::max_element(logs, {}, &worker_log::ended_ns);
    return last->ended_ns - begun;
  }

  void end_all(vm::cpu& cpu) { world_.end_all(cpu); }

 private:
  struct alignas(64) progress {
    sync::atomic<std::uint32_t> steps{0};  ///< guard: stored by its worker alone
  };

  void wait_for_go() {
    ready_.fetch_add_release(1);                        // ready.W -> ready.R
    wait_until([this] { return go_.load_acquire(); });  // go.R <- go.W
  }

  void work(std::uint32_t self, vm::cpu& cpu, worker_log& log) {
    const std::vector<planned_step>& steps = plan_.workers[self];
    log.latencies_ns.resize(steps.size());
    log.answers.clear();
    log.waited_ns = 0;
    wait_for_go();
    std::uint64_t before = sync::now_ns();
    for (std::uint32_t index = 0; index < steps.size(); ++index) {
      const planned_step& planned = steps[index];
      if (planned.wait_count != 0) {
        for (position wait : plan_.waits_of(planned)) {
          wait_until(
              [&] { return done_[wait.worker].steps.load_acquire() > wait.index; });  // done.R <- done.W
        }
        const std::uint64_t now = sync::now_ns();
        log.waited_ns += now - before;
        before = now;
      }
      const step& one = plan_.of->steps[planned.step];
      const int got = world_.apply(cpu, one);
      const std::uint64_t after = sync::now_ns();
      log.latencies_ns[index] = after - before;
      before = after;
      done_[self].steps.store_release(index + 1);  // done.W -> done.R
      if (got != one.expected_error && !one.is_raced) log.answers.emplace_back(planned.step, got);
    }
    log.ended_ns = before;
  }

  void walk_on(walker_log& log) {
    wait_for_go();
    std::string text;
    std::size_t missing = 0;
    for (std::size_t next = 0; !stop_.load_relaxed(); next = (next + 1) % world_.size()) {
      const bool was_there = world_.visit(static_cast<recording::space_id>(next), [&](Space& space) {
        const std::uint64_t begun = sync::now_ns();
        log.lines += text_of(space, how_.mode, how_.walk_chunk_lines, text);
        log.walks.add(sync::now_ns() - begun);
      });
      missing = was_there ? 0 : missing + 1;
      if (was_there || missing >= world_.size()) sync::sleep_ns(how_.walk_pause_ns);
    }
  }

  const plan& plan_;
  const measure_options& how_;
  world<Space> world_;
  std::vector<progress> done_;
  sync::atomic<std::size_t> ready_{0};  ///< guard: atomic
  sync::atomic<bool> go_{false};        ///< guard: stored by main
  sync::atomic<bool> stop_{false};      ///< guard: stored by main
};

}  // namespace rcuvm::replay
