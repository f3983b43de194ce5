// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The world of one run: virtual threads, locks, RCU, time and memory, all on one operating-system thread.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "explore/engine/arena.hpp"
#include "explore/engine/clock.hpp"
#include "explore/engine/fiber.hpp"
#include "explore/engine/finding.hpp"
#include "explore/engine/step.hpp"
#include "explore/engine/trace.hpp"
#include "explore/search/search.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::explore {

struct world_limits {
  std::uint32_t steps = 20'000;      ///< of a run, concurrent ones
  std::uint32_t early_timeouts = 1;  ///< of a thread in a run: timed waits that end although others could run
  bool watches_lock_order = true;    ///< off: only deadlocks that happen are found
};

///   run()             the body is virtual thread 0; its steps are quiet: it goes on alone
///     concurrently()  starts threads, each up to its first step, then asks the search before every step
///     ... all have ended: quiet again
///
/// RCU        is its specification: a grace period ends when each section that was open at its begin has been left.
/// Waits      a waiting thread is not enabled until what it waits for has come. No spurious wake-ups.
/// Time       stands still but for timed waits: such a wait may end at any moment, early_timeouts times in each thread;
///            after that only when nobody else can run.
/// Races      of plain accesses: by vector clocks and the memory orders as written, to 4 bytes.
///            Source: Flanagan and Freund, FastTrack, PLDI 2009.
/// Not seen   stale values: an atomic load reads the last store (sequential consistency); words outside the arena.
class world final : public sync::checked::scheduler {
 public:
  explicit world(world_limits limits);
  ~world();

  struct thread_body {
    const char* name;
    std::function<void()> run;
  };

  /// One run of `body`. The finding, if any; the trace if wanted.
  finding run(search& by, const std::function<void()>& body, trace* told = nullptr);

  /// Inside run(), from the body: the threads together, until all have ended.
  void concurrently(std::vector<thread_body> bodies);
  /// Inside run(): what the body does from here on is part of the search, until `quiet` again.
  void set_quiet(bool is_quiet) noexcept;
  /// Inside run(): ends it with a finding.
  void report(finding_kind kind, std::string what, std::uint32_t object = 0) noexcept;
  /// Inside run(): a number below `count`, each of which is tried.
  [[nodiscard]] int choose(int count) noexcept;

  [[nodiscard]] static world* current() noexcept { return running_world; }
  /// The decisions of the last run: a thread where more than one could run, or decision_of_choice().
  [[nodiscard]] const std::vector<int>& decisions() const noexcept { return decisions_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return total_steps_; }
  [[nodiscard]] std::uint32_t last_steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint64_t shared_stores(int thread) const noexcept {
    return threads_[static_cast<unsigned>(thread)].shared_stores;
  }

  /// A load or store that the compiler made (-fsanitize=kernel-address).
  void plain(const void* at, std::size_t bytes, bool is_write) noexcept {
    if (!is_inside_ && arena::holds(at)) check_plain(arena::offset_of(at), bytes, is_write);
  }
  /// A free of what no other thread knows (operator delete): no step.
  void deallocate_private(void* object) noexcept;
  /// Does operator new take from the arena now?
  [[nodiscard]] bool takes_allocations() const noexcept { return is_running_ && !is_inside_; }

  void touch(const void* word, std::size_t bytes, access how, order with) noexcept override;
  void show(std::uint64_t value) noexcept override;
  void fence(order with) noexcept override;
  void use(const void* object, std::size_t bytes, access how) noexcept override;
  void acquire(const void* token) noexcept override;
  void release(const void* token) noexcept override;
  void lock(const void* what, sharing how) noexcept override;
  bool try_lock(const void* what, sharing how) noexcept override;
  void unlock(const void* what, sharing how) noexcept override;
  void wait(const void* condition, const void* mutex) noexcept override;
  bool wait_for_ns(const void* condition, const void* mutex, std::uint64_t nanoseconds) noexcept override;
  void notify_one(const void* condition) noexcept override;
  void notify_all(const void* condition) noexcept override;
  void begin_section() noexcept override;
  void end_section() noexcept override;
  void synchronize() noexcept override;
  sync::rcu::detail::thread_state& own_state() noexcept override;
  int start_thread(const char* name, std::function<void()> body) noexcept override;
  void join(int thread) noexcept override;
  void yield() noexcept override;
  std::uint64_t now_ns() noexcept override { return now_ns_; }
  void sleep_ns(std::uint64_t nanoseconds) noexcept override;
  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override;
  void deallocate(void* object) noexcept override;
  void fail(const char* what, const char* file, int line) noexcept override;

 private:
  /// What a thread waits for before its step.
  enum class gate : std::uint8_t { open, exclusive, shared, grace_period, notified, timed, joined, changed };

  /// What has been read: a value; or that a lock had readers inside, by a try_lock() that failed.
  enum class sight : std::uint8_t { value, readers };
  /// Where a thread's list holds an object.
  struct sighting {
    std::uint32_t epoch = 0;  ///< another than the thread's: it does not
    std::uint32_t at = 0;
  };
  struct seen_version {
    std::uint32_t object;
    std::uint32_t version;
    sight what = sight::value;
  };
  struct held_lock {
    std::uint32_t object;
    sharing how;
  };

  struct virtual_thread {
    fiber stack;
    std::function<void()> body;
    std::string name;
    bool is_done = true;
    gate waits_for = gate::open;
    std::uint32_t awaited = 0;  ///< object index or thread
    bool is_notified = false;
    std::uint64_t deadline_ns = 0;
    std::uint32_t early_timeouts = 0;
    thread_set grace_period = 0;  ///< threads whose sections it waits for
    clock came_before_grace;      ///< happens-before, of those sections
    clock order_of_grace;         ///< the same, of the reduction
    clock happened;
    clock loaded;                    ///< release clocks seen by relaxed loads, for an acquire fence
    clock released;                  ///< at the last release fence, for relaxed stores
    std::vector<seen_version> seen;  ///< since the last yield
    std::uint32_t epoch = 0;         ///< of these: no two are alike
    std::vector<held_lock> held;
    std::uint32_t sections = 0;
    std::uint64_t shared_stores = 0;
    alignas(
        sync::rcu::detail::thread_state) std::array<std::byte, sizeof(sync::rcu::detail::thread_state)> rcu;
  };

  /// What is known of an atomic word, a lock, a condition, a token.
  struct tracked {
    std::uint32_t offset = 0;
    std::array<std::array<sighting, max_threads>, 2> seen_by{};  ///< by sight and thread
    std::uint32_t version = 0;         ///< changes of the value; of a lock, exclusive unlocks
    std::uint32_t shared_unlocks = 0;  ///< no change for those who take it shared
    int owner = -1;
    thread_set sharers = 0;
    clock released;  ///< happens-before: by stores, unlocks, releases
    clock shared_released;
    std::vector<int> waiters;
  };

  /// Plain accesses to 4 bytes.
  struct cell {
    std::uint32_t run = 0;  ///< of another run: empty
    std::uint32_t write_at = 0;
    std::uint8_t writer = 0;
    std::uint8_t write_mask = 0;
    std::array<std::uint8_t, max_threads> read_mask{};
    std::array<std::uint32_t, max_threads> read_at{};
  };

  /// The engine's own code: its allocations are not the scenario's.
  class inside {
   public:
    explicit inside(world& of) noexcept : of_{of} { of_.is_inside_ = true; }
    ~inside() { of_.is_inside_ = false; }
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;

   private:
    world& of_;
  };

  /// All zero, and without memory where it is never touched.
  template <class T>
  using lazy_array = std::unique_ptr<T[], void (*)(void*)>;

  virtual_thread& self() noexcept { return threads_[static_cast<unsigned>(current_)]; }
  [[nodiscard]] std::uint32_t index_of(const void* at, std::size_t bytes) noexcept;
  [[nodiscard]] tracked& known(std::uint32_t index) noexcept { return objects_[index]; }
  static span_of_bytes span_of(const void* at, std::size_t bytes) noexcept {
    const std::uint32_t first = arena::offset_of(at);
    return {first, first + static_cast<std::uint32_t>(bytes)};
  }

  void take_step(operation what, conflict how, span_of_bytes where, gate waits_for = gate::open,
                 std::uint32_t awaited = 0) noexcept;
  void schedule() noexcept;
  [[nodiscard]] bool is_enabled(const virtual_thread& one, bool is_only) const noexcept;
  [[nodiscard]] thread_set enabled() const noexcept;
  [[nodiscard]] moment now() noexcept;
  void switch_to(int thread) noexcept;
  [[noreturn]] void leave() noexcept;
  void prepare_thread(int id, const char* name, std::function<void()> body);
  [[nodiscard]] std::uint32_t queue_up(const void* condition, const void* mutex) noexcept;
  static void enter_thread();
  void run_thread() noexcept;
  void check_live(const void* at, std::size_t bytes, const char* what) noexcept {
    const std::uint32_t offset = arena::offset_of(at);
    const std::uint32_t last = offset + static_cast<std::uint32_t>(bytes) - 1;
    if (memory_.state_at(offset) == arena::state::live && memory_.state_at(last) == arena::state::live)
      return;
    report_dead(offset, what);
  }
  [[gnu::cold]] void report_dead(std::uint32_t offset, const char* what) noexcept;
  /// Main, before it starts a thread or after it has joined all: nothing that it does races.
  [[nodiscard]] bool is_alone() const noexcept { return alive_ == only(0) && is_quiet_; }
  void check_plain(std::uint32_t offset, std::size_t bytes, bool is_write) noexcept;
  [[nodiscard]] arena::object& find_to_free(const void* object) noexcept;
  void free_now(arena::object& dead) noexcept;
  void check_order_of_free(const arena::object& dead) noexcept;
  [[nodiscard]] std::uint32_t& version_of(std::uint32_t index, sight what) noexcept {
    return what == sight::value ? objects_[index].version : objects_[index].shared_unlocks;
  }
  [[nodiscard]] sighting& sighting_of(std::uint32_t index, sight what) noexcept {
    return objects_[index].seen_by[static_cast<unsigned>(what)][static_cast<unsigned>(current_)];
  }
  void forget_seen(virtual_thread& of) noexcept {
    of.seen.clear();
    of.epoch = ++last_epoch_;
  }
  void note_read(std::uint32_t index, sight what = sight::value) noexcept;
  void note_write(std::uint32_t index, sight what = sight::value) noexcept;
  void note_lock_order(std::uint32_t index) noexcept;
  [[nodiscard]] std::vector<lock_order> lock_cycle_through(const lock_order& last) const;
  void taken(std::uint32_t index, sharing how) noexcept;
  void wake(int thread, std::uint32_t condition) noexcept;
  void forget_waiter(std::uint32_t condition, int thread) noexcept;
  void deadlock() noexcept;
  void announce(operation what, span_of_bytes where) noexcept;
  void record(operation what, span_of_bytes where) noexcept;
  [[nodiscard]] std::uint32_t take_stack() noexcept;
  [[nodiscard]] std::string describe_wait(const virtual_thread& one) const;
  [[nodiscard]] std::string describe_place(std::uint32_t offset) const;

  static inline constinit world* running_world = nullptr;

  const world_limits limits_;
  arena memory_;
  std::array<virtual_thread, max_threads> threads_;
  std::array<step, max_threads> next_{};
  fiber outside_;
  void* stacks_ = nullptr;
  int thread_count_ = 0;
  thread_set waiting_ = 0;  ///< whose step has a gate
  thread_set alive_ = 0;
  int current_ = -1;      ///< -1: the caller of run()
  int starting_by_ = -1;  ///< who starts the thread that runs now, up to its first step; -1: nobody
  bool is_starting_ = false;
  bool is_quiet_ = true;
  bool is_inside_ = false;
  bool is_running_ = false;
  bool is_over_ = false;
  std::uint32_t run_ = 0;
  std::uint32_t last_epoch_ = 0;
  std::uint32_t steps_ = 0;
  std::uint64_t total_steps_ = 0;
  std::uint64_t now_ns_ = 0;
  search* search_ = nullptr;
  trace* trace_ = nullptr;
  finding finding_;

  std::vector<tracked> objects_;  ///< [0] unused; entries are reused from run to run
  std::uint32_t object_count_ = 1;
  lazy_array<std::uint32_t> object_at_;  ///< index by offset / 4; 0: none
  lazy_array<cell> cells_;               ///< by offset / 4
  clock sections_ended_;                 ///< what came before the end of each section
  clock grace_periods_;                  ///< what came before each grace period's begin
  std::vector<int> decisions_;
  std::vector<lock_order> lock_orders_;  ///< each pair of locks once
};

}  // namespace rcuvm::explore
