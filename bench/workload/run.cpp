// SPDX-License-Identifier: Apache-2.0
#include "bench/workload/run.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/replay/latency.hpp"
#include "bench/replay/text_of.hpp"
#include "bench/replay/wait_until.hpp"
#include "bench/workload/meeting.hpp"
#include "rcuvm/designs/designs.hpp"

namespace rcuvm::workload {

namespace {

constexpr vm::protection read_write{vm::prot::read, vm::prot::write};
constexpr address shared_base = 0x10'0000'0000;  ///< parts of all threads, side by side
constexpr address own_base = 0x100'0000'0000;    ///< 64 GiB a thread
constexpr address own_span = 0x10'0000'0000;
constexpr address heap_start = 0x1000'0000;
constexpr std::size_t walk_lines = 48;  ///< about a page of text, as seq_file

/// What one thread has done.
struct thread_log {
  std::array<replay::latency_histogram, verb_count> latencies;
  std::uint64_t loops = 0;
  std::string refused;  ///< empty, or why it gave up
};

/// One thread of a scenario.
template <class Space>
class actor {
 public:
  actor(Space& space, vm::cpu& cpu, const thread_group& group, unsigned self, unsigned in_group, meeting& met)
      : space_{space},
        cpu_{cpu},
        group_{group},
        self_{self},
        in_group_{in_group},
        meeting_{met},
        file_{std::make_shared<vm::file>(
            vm::file_identity{.name = fmt::format("/workload/{}", self), .inode = self + 1})},
        regions_(group.regions.size()),
        chance_{self} {}

  void set_up(thread_log& log) { run(group_.setup, log, false); }
  /// False: it was refused, or nobody goes on.
  [[nodiscard]] bool loop_once(thread_log& log) {
    if (!run(group_.loop, log, true)) return false;
    ++log.loops;
    return true;
  }

 private:
  bool run(const std::vector<step>& steps, thread_log& log, bool is_timed_run) {
    for (const step& one : steps) {
      if (one.what == verb::touch) {
        if (!touch(one, log, is_timed_run)) return false;
        continue;
      }
      const std::uint64_t begun = sync::now_ns();
      const auto done = perform(one);
      if (!done) {
        if (one.what != verb::exchange)
          log.refused = fmt::format("{}: {} was refused: errno {}", group_.name, name_of(one.what),
                                    done.error().number());
        return false;
      }
      if (is_timed_run && is_timed(one.what))
        log.latencies[static_cast<std::size_t>(one.what)].add(sync::now_ns() - begun);
    }
    return true;
  }

  bool touch(const step& one, thread_log& log, bool is_timed_run) {
    const range where = regions_[one.region];
    const vm::access wanted = one.is_write ? vm::access::write : vm::access::read;
    const std::uint64_t pages = where.size() >> page_shift;
    const std::uint64_t count = one.is_random ? one.pages : pages;
    std::uint64_t begun = sync::now_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t page = one.is_random ? chance_() % pages : i;
      if (const auto done = space_.fault(cpu_, where.start + page * page_size, wanted); !done) {
        log.refused = fmt::format("{}: a fault was refused: errno {}", group_.name, done.error().number());
        return false;
      }
      if (!is_timed_run) continue;
      const std::uint64_t now = sync::now_ns();
      log.latencies[static_cast<std::size_t>(verb::touch)].add(now - begun);
      begun = now;
    }
    return true;
  }

  result<void> perform(const step& one) {
    switch (one.what) {
      case verb::map: return map(one);
      case verb::unmap: return space_.unmap(cpu_, regions_[one.region]);
      case verb::protect:
        return space_.protect(cpu_, regions_[one.region],
                              one.is_writable ? read_write : vm::protection{vm::prot::read});
      case verb::drop: return space_.advise(cpu_, regions_[one.region], MADV_DONTNEED);
      case verb::brk: {
        const address now = space_.brk(cpu_, 0);
        const auto to = static_cast<address>(static_cast<std::int64_t>(now) +
                                             one.grows * static_cast<std::int64_t>(page_size));
        space_.brk(cpu_, std::max(to, heap_start));
        return {};
      }
      case verb::walk: {
        using enum replay::walker;
        replay::text_of(space_, one.is_snapshot ? snapshot : chunked, walk_lines, text_);
        return {};
      }
      case verb::fork: {
        const auto child = space_.fork(cpu_);
        if (!child) return fail(ENOMEM);
        child->exit(cpu_);
        return {};
      }
      case verb::stay: {
        bool has_stayed = false;
        space_.walk_chunked(walk_lines, [&](const vm::vma&) {
          if (!std::exchange(has_stayed, true)) work_ns(one.nanoseconds);
        });
        return {};
      }
      case verb::spin: work_ns(one.nanoseconds); return {};
      case verb::sleep: sync::sleep_ns(one.nanoseconds); return {};
      case verb::exchange:
        if (!meeting_.exchange(in_group_, regions_[one.region])) return fail(EINTR);
        return {};
      case verb::touch: break;
    }
    return {};
  }

  result<void> map(const step& one) {
    const std::uint64_t length = one.pages * page_size;
    mm::map_request wanted{.length = length, .protection = read_write};
    if (one.memory != memory::anonymous) wanted.file = file_;
    if (one.memory == memory::shared_file) wanted.flags = mm::map_flag::shared;
    if (one.at != place::anywhere) {
      const address part = one.region * length;
      wanted.hint = one.at == place::own ? own_base + self_ * own_span + part
                                         : shared_base + in_group_ * length * group_.regions.size() + part;
      wanted.flags = wanted.flags.with(mm::map_flag::fixed);
    }
    const auto got = space_.map(cpu_, wanted);
    if (!got) return std::unexpected{got.error()};
    regions_[one.region] = {*got, *got + length};
    return {};
  }

  /// On the processor: what a busy loop, or a reader that is at work, does. Four sums at a time, as a program that computes: who
  /// merely waits leaves a neighbour on the same core all of it.
  void work_ns(std::uint64_t nanoseconds) {
    const std::uint64_t begun = sync::now_ns();
    do {
      for (unsigned i = 0; i != 64; ++i) {
        for (std::uint64_t& each : sums_) each = each * 3 + i;
      }
      asm volatile("" : "+m"(sums_));
    } while (sync::now_ns() - begun < nanoseconds);
  }

  Space& space_;
  vm::cpu& cpu_;
  const thread_group& group_;
  const unsigned self_;
  const unsigned in_group_;
  meeting& meeting_;
  std::shared_ptr<vm::file> file_;  ///< of its own, as in will-it-scale
  std::vector<range> regions_;
  std::minstd_rand chance_;
  std::array<std::uint64_t, 4> sums_{};
  std::string text_;
};

template <class Space>
replay::figures run_in(const scenario& of, const run_options& how) {
  vm::machine machine{{.shootdowns = how.shootdowns, .readers = how.readers}};
  vm::cpu main_cpu{machine};
  Space space{machine};
  space.set_break(heap_start);

  const unsigned all = of.threads(how.threads);
  std::vector<thread_log> logs(all);
  std::vector<vm::counters> counts(all);
  std::vector<std::unique_ptr<meeting>> meetings;
  sync::atomic<std::size_t> ready{0};
  sync::atomic<bool> go{false};
  sync::atomic<bool> stop{false};
  std::uint64_t begun = 0;
  machine.limbo().reset_high_water();
  const auto before = machine.limbo().read_statistics();
  {
    std::vector<sync::thread> threads;
    unsigned self = 0;
    for (const thread_group& group : of.groups) {
      const unsigned members = group.count.value_or(how.threads);
      meeting& met = *meetings.emplace_back(std::make_unique<meeting>(members));
      for (unsigned i = 0; i < members; ++i, ++self) {
        threads.emplace_back(group.name, [&, self, i] {
          vm::cpu cpu{machine};
          actor<Space> here{space, cpu, group, self, i, met};
          here.set_up(logs[self]);
          ready.fetch_add_release(1);                             // ready.W -> ready.R
          replay::wait_until([&] { return go.load_acquire(); });  // go.R <- go.W
          if (logs[self].refused.empty()) {
            while (here.loop_once(logs[self]) && !stop.load_relaxed()) {
            }
          }
          met.leave();
          counts[self] = cpu.count;
        });
      }
    }
    replay::wait_until([&] { return ready.load_acquire() == all; });  // ready.R <- ready.W
    begun = sync::now_ns();
    go.store_release(true);  // go.W -> go.R
    sync::sleep_ns(static_cast<std::uint64_t>(how.seconds * 1e9));
    stop.store_relaxed(true);
  }
  const std::uint64_t ended = sync::now_ns();  // what was under way at the stop is counted, too
  for (const thread_log& each : logs) {
    if (!each.refused.empty()) throw std::runtime_error{of.name + ": " + each.refused};
  }

  replay::figures made;
  const double seconds = static_cast<double>(ended - begun) / 1e9;
  std::array<replay::latency_histogram, verb_count> by_verb;
  unsigned self = 0;
  for (const thread_group& group : of.groups) {
    double loops = 0;
    for (unsigned i = 0; i < group.count.value_or(how.threads); ++i, ++self) {
      loops += static_cast<double>(logs[self].loops);
      for (std::size_t what = 0; what < verb_count; ++what) by_verb[what] += logs[self].latencies[what];
    }
    made[group.name + ".loops_per_s"] = loops / seconds;
  }
  for (std::size_t what = 0; what < verb_count; ++what) {
    if (by_verb[what].count() == 0) continue;
    const std::string name{name_of(static_cast<verb>(what))};
    made[name + ".per_s"] = static_cast<double>(by_verb[what].count()) / seconds;
    replay::add_latencies(made, name, by_verb[what]);
  }
  vm::counters counted;
  for (const vm::counters& each : counts) counted += each;
  vm::counters::for_each(counted, [&](const char* name, std::uint64_t value, bool) {
    made[std::string{"count."}.append(name)] = static_cast<double>(value);
  });
  const auto after = machine.limbo().read_statistics();
  made["limbo.high_water_bytes"] = static_cast<double>(after.high_water_bytes);
  made["limbo.retired"] = static_cast<double>(after.retired - before.retired);
  made["limbo.throttled"] = static_cast<double>(after.throttled - before.throttled);
  space.exit(main_cpu);
  return made;
}

}  // namespace

replay::figures run(const scenario& of, std::string_view design, const run_options& how) {
  constexpr unsigned most = vm::machine::max_cpus - 1;
  if (of.threads(how.threads) > most)
    throw std::runtime_error{fmt::format("{}: {} threads; a machine has {} cpus for them", of.name,
                                         of.threads(how.threads), most)};
  replay::figures made;
  const sync::rcu::registration here{"workload"};
  designs::with_named(design, [&]<class Design> { made = run_in<address_space<Design>>(of, how); });
  return made;
}

}  // namespace rcuvm::workload
