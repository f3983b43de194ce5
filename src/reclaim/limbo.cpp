// SPDX-License-Identifier: Apache-2.0
#include "rcuvm/reclaim/limbo.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "batch_list.hpp"
#include "lanes.hpp"
#include "majority.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/thread.hpp"
#include "ticket_word.hpp"

namespace rcuvm::reclaim {

namespace {

using detail::retire_block;

constexpr std::uint64_t nap_ns = 1'000'000;  // batches share a grace period; memory rests this much longer
// Whose end is told together.
constexpr unsigned batches_together = sync::checked::sized(64U, 2U);
constexpr std::uint64_t bytes_together = std::uint64_t{512} << 10U;
constexpr unsigned naps_before_sleep =
    sync::checked::sized(16U, 0U);  // a writer pays the wake-up only after so long a silence
constexpr std::uint64_t diagnosis_interval_ns = 1'000'000'000;

void raise_to(sync::atomic<std::uint64_t>& mark, std::uint64_t value) noexcept {
  std::uint64_t seen = mark.load_relaxed();
  while (seen < value && !mark.cas_relaxed(seen, value)) {
  }
}

void say_on_stderr(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

}  // namespace

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what every retire() writes stands on a line of its own
struct limbo::state {
  using listener = std::function<void(const std::string&)>;

  explicit state(limits given)
      : limit{given},
        hear{std::make_shared<const listener>(say_on_stderr)},
        reclaimer{"rcuvm-reclaimer", [this] { run(); }} {}

  // Written by every retire(): one line.
  alignas(64) detail::ticket_word tickets;
  sync::atomic<std::uint64_t> objects{0};  ///< held. guard: atomic, as the three below
  sync::atomic<std::uint64_t> bytes{0};
  sync::atomic<std::uint64_t> high_water_objects{0};
  sync::atomic<std::uint64_t> high_water_bytes{0};

  alignas(64) detail::over_word over_tickets;
  sync::atomic<ticket> nested_ticket{
      0};  ///< the last one that a free function took. guard: stored by the reclaimer
  sync::atomic<std::uintptr_t> reclaimer_key{0};  ///< guard: stored once by the reclaimer
  const limits limit;
  detail::lanes arrivals;

  sync::mutex lock;
  sync::condition work;  ///< the reclaimer waits here
  sync::condition over;  ///< wait() and throttle() wait here
  detail::batch_list pending RCUVM_GUARDED_BY(lock);
  std::uint64_t waiting_since_ns RCUVM_GUARDED_BY(lock) =
      0;                                           ///< arrival of the oldest batch in `waiting`; 0: none
  unsigned in_a_hurry RCUVM_GUARDED_BY(lock) = 0;  ///< threads inside wait() or wait_for_room()
  bool is_stopping RCUVM_GUARDED_BY(lock) = false;
  std::uint64_t freed RCUVM_GUARDED_BY(lock) = 0;
  std::uint64_t grace_periods RCUVM_GUARDED_BY(lock) = 0;
  std::uint64_t throttled RCUVM_GUARDED_BY(lock) = 0;
  std::uint64_t throttled_ns RCUVM_GUARDED_BY(lock) = 0;
  std::uint64_t last_diagnosis_ns RCUVM_GUARDED_BY(lock) = 0;
  std::shared_ptr<const listener> hear RCUVM_GUARDED_BY(lock);

  sync::placement where;  ///< guard: the reclaimer, which may run where its maker may

  sync::thread reclaimer;  ///< last: it runs on all of the above

  [[nodiscard]] ticket last_ticket() const noexcept { return tickets.last_taken(); }
  [[nodiscard]] bool is_over(ticket handed_out) const noexcept { return over_tickets.is_over(handed_out); }
  [[nodiscard]] bool is_reclaimer() const noexcept {
    return reclaimer_key.load_relaxed() == sync::current_thread_key();
  }

  ticket take(retire_block* batch) noexcept;
  void wait_until_over(ticket handed_out) noexcept;
  void wait_for_room(std::uint64_t room) noexcept;
  void stop() noexcept;

  void run() noexcept;
  bool reclaim() noexcept RCUVM_REQUIRES(lock);
  struct amount {
    std::uint64_t batches = 0;
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
  };
  static amount free_some(detail::batch_list& waiting, detail::majority& busiest) noexcept;
  void place(detail::majority busiest) noexcept;
  void nap(sync::mutex_guard& guard) noexcept RCUVM_REQUIRES(lock);
  void sleep(sync::mutex_guard& guard) noexcept RCUVM_REQUIRES(lock);
  void wake() noexcept;
  void collect() noexcept RCUVM_REQUIRES(lock) {
    // limbo.R1 <- limbo.W1, inside lanes
    arrivals.collect([this](retire_block* batch, std::uint64_t seen_at_ns)
                         RCUVM_NO_THREAD_SAFETY_ANALYSIS { add(batch, seen_at_ns); });
  }
  void add(retire_block* batch, std::uint64_t now_ns) noexcept RCUVM_REQUIRES(lock) {
    batch->arrived_at_ns = now_ns;
    pending.add(batch);
  }
  [[nodiscard]] statistics read() noexcept RCUVM_REQUIRES(lock);
  [[nodiscard]] std::string describe() RCUVM_REQUIRES(lock);
  [[nodiscard]] std::string describe_or_less() noexcept RCUVM_REQUIRES(lock);
};

// Writers.

limbo::ticket limbo::state::take(retire_block* batch) noexcept {
  const std::uint64_t batch_bytes = batch->bytes;
  raise_to(high_water_objects, objects.fetch_add_relaxed(batch->objects) + batch->objects);
  const std::uint64_t held_bytes = bytes.fetch_add_relaxed(batch_bytes) + batch_bytes;
  raise_to(high_water_bytes, held_bytes);

  const auto [taken, found_asleep] = tickets.take();
  batch->ticket = taken;
  batch->cpu = sync::current_cpu();
  if (is_reclaimer()) nested_ticket.store_relaxed(taken);
  if (!arrivals.push(batch)) {  // limbo.W1 -> limbo.R1, inside lanes
    const sync::mutex_guard guard{lock};
    collect();
    add(batch, sync::now_ns());
  }
  if (found_asleep && !is_mutated(mutation::retire_without_wake)) wake();

  const bool may_wait = !is_reclaimer() && !sync::rcu::is_in_section();
  if (held_bytes / 2 > limit.bytes && may_wait) wait_for_room(2 * limit.bytes);
  return taken;
}

void limbo::state::wait_until_over(ticket handed_out) noexcept {
  if (is_over(handed_out)) {
    if (!sync::rcu::is_in_section())
      sync::rcu::announce_quiescent_state();  // a loop of waits holds up nobody
    return;
  }
  RCUVM_CHECK(handed_out <= last_ticket(), "limbo::wait for a ticket of another limbo");
  RCUVM_CHECK(!sync::rcu::is_in_section(), "limbo::wait inside a read section: it would wait for itself");
  RCUVM_CHECK(!is_reclaimer(), "limbo::wait in a free function: it would wait for itself");
  sync::mutex_guard guard{lock};
  ++in_a_hurry;
  work.notify_one();
  while (!is_over(handed_out)) over.wait(guard);
  --in_a_hurry;
}

/// Until no more than `room` bytes are held.
void limbo::state::wait_for_room(std::uint64_t room) noexcept {
  const std::uint64_t began_ns = sync::now_ns();
  std::uint64_t diagnose_at_ns = began_ns + limit.diagnose_after_ns;
  sync::mutex_guard guard{lock};
  ++in_a_hurry;
  ++throttled;
  work.notify_one();
  while (bytes.load_relaxed() > room) {
    const std::uint64_t now = sync::now_ns();
    if (now < diagnose_at_ns) {
      over.wait_for_ns(guard, diagnose_at_ns - now);
      continue;
    }
    diagnose_at_ns = now + diagnosis_interval_ns;
    const bool another_spoke = last_diagnosis_ns != 0 && now - last_diagnosis_ns < diagnosis_interval_ns;
    if (another_spoke) continue;
    last_diagnosis_ns = now;
    const std::shared_ptr<const listener> listening = hear;
    const std::string text = describe_or_less();
    guard.unlock();
    (*listening)(text);
    guard.lock();
  }
  --in_a_hurry;
  throttled_ns += sync::now_ns() - began_ns;
}

void limbo::state::stop() noexcept {
  const sync::mutex_guard guard{lock};
  is_stopping = true;
  work.notify_one();
}

void limbo::state::wake() noexcept {
  const sync::mutex_guard guard{lock};
  tickets.wake();
  work.notify_one();
}

// The reclaimer.

void limbo::state::run() noexcept {
  reclaimer_key.store_relaxed(sync::current_thread_key());
  unsigned idle_naps = 0;
  sync::mutex_guard guard{lock};
  for (;;) {
    if (reclaim()) {
      idle_naps = 0;
    } else if (last_ticket() != over_tickets.last_by_reclaimer()) {
      guard.unlock();  // a writer is between its ticket and its push
      sync::yield();
      guard.lock();
      continue;
    } else if (is_stopping) {
      return;
    } else if (++idle_naps > naps_before_sleep) {
      sleep(guard);
      idle_naps = 0;
      continue;
    }
    nap(guard);
  }
}

/// One round: all batches that have arrived, without a gap in their tickets, through one grace period. False: none.
bool limbo::state::reclaim() noexcept {
  collect();
  ticket next = over_tickets.last_by_reclaimer() + 1;
  detail::batch_list waiting = pending.take_run(next);
  if (waiting.is_empty()) return false;
  waiting_since_ns = waiting.front().arrived_at_ns;
  lock.unlock();
  if (!is_mutated(mutation::retire_without_grace_period)) sync::rcu::synchronize();
  lock.lock();
  ++grace_periods;
  detail::majority busiest;
  while (!waiting.is_empty()) {
    waiting_since_ns = waiting.front().arrived_at_ns;
    lock.unlock();
    if (is_mutated(mutation::over_before_free)) over_tickets.raise_to(next);
    const amount gone = free_some(waiting, busiest);
    if (waiting.is_empty()) place(busiest);
    lock.lock();
    objects.fetch_sub_relaxed(gone.objects);
    bytes.fetch_sub_relaxed(gone.bytes);
    freed += gone.objects;
    next += gone.batches;
    over_tickets.raise_to(next - 1);
    if (in_a_hurry != 0) over.notify_all();
  }
  waiting_since_ns = 0;
  return true;
}

limbo::state::amount limbo::state::free_some(detail::batch_list& waiting,
                                             detail::majority& busiest) noexcept {
  amount gone;
  while (!waiting.is_empty() && gone.batches != batches_together && gone.bytes <= bytes_together) {
    retire_block* batch = waiting.take_front();
    gone.objects += batch->objects;
    gone.bytes += batch->bytes;
    busiest.vote_for(batch->cpu);
    ++gone.batches;
    retire_list{batch}.free_now();
  }
  sync::rcu::announce_quiescent_state();
  return gone;
}

/// Who retires pays: while there is no cpu to spare, the reclaimer works where most of it comes from. Else it would take the cpu
/// of readers, inside their sections as often as not, and make itself wait for them. Measured, one thread that faults beside one
/// that maps and unmaps: 1,900 times a second and an eighth of its time. Kernel: call_rcu's callbacks run on the cpu that
/// called it, unless it was told to spare that (rcu_nocbs).
void limbo::state::place(detail::majority busiest) noexcept {
  const bool is_full = sync::rcu::threads_at_work() > where.cpus();
  where.move_to(is_full && bytes.load_relaxed() <= limit.bytes / 2 ? busiest.winner() : std::nullopt);
}

void limbo::state::nap(sync::mutex_guard& guard) noexcept {
  const bool has_work = last_ticket() != over_tickets.last_by_reclaimer();
  const bool is_urgent = has_work && (in_a_hurry != 0 || bytes.load_relaxed() > limit.bytes / 2);
  if (!is_urgent && !is_stopping) work.wait_for_ns(guard, nap_ns);
}

/// Until a writer takes a ticket. Nothing is held.
void limbo::state::sleep(sync::mutex_guard& guard) noexcept {
  if (!tickets.sleep_after(over_tickets.last_by_reclaimer())) return;
  while (tickets.is_asleep() && !is_stopping) work.wait(guard);
}

// Figures.

limbo::statistics limbo::state::read() noexcept {
  collect();
  std::uint64_t oldest_ns = waiting_since_ns;
  if (oldest_ns == 0 && !pending.is_empty()) oldest_ns = pending.front().arrived_at_ns;
  const std::uint64_t held = objects.load_relaxed();
  return {.objects = held,
          .bytes = bytes.load_relaxed(),
          .high_water_bytes = high_water_bytes.load_relaxed(),
          .high_water_objects = high_water_objects.load_relaxed(),
          .oldest_age_ns = oldest_ns == 0 ? 0 : sync::now_ns() - oldest_ns,
          .retired = freed + held,
          .freed = freed,
          .grace_periods = grace_periods,
          .throttled = throttled,
          .throttled_ns = throttled_ns};
}

std::string limbo::state::describe() {
  const statistics now = read();
  const auto in_units = [](std::uint64_t value, double unit, const char* name) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f %s", static_cast<double>(value) / unit, name);
    return std::string{text};
  };
  std::string text = "rcuvm: a writer waits: limbo holds " + in_units(now.bytes, 1 << 20, "MiB") + " in " +
                     std::to_string(now.objects) + " objects (limit " +
                     in_units(limit.bytes, 1 << 20, "MiB") + "), the oldest for " +
                     in_units(now.oldest_age_ns, 1e9, "s") + ". ";
  const std::vector<sync::rcu::reader_info> readers = sync::rcu::readers_inside();
  if (readers.empty()) {
    return text +
           "No thread is inside an RCU read section: the reclaimer is short of CPU time. "
           "Cure: fewer threads than CPUs, or a higher limits::bytes.";
  }
  text += "Inside an RCU read section:";
  const char* separator = " ";
  for (const sync::rcu::reader_info& reader : readers) {
    text += separator + (reader.name.empty() ? std::string{"a thread"} : reader.name) + " (tid " +
            std::to_string(reader.tid) + ")";
    separator = ", ";
  }
  return text + ". Cure: these threads must leave their section; nothing that may block belongs into one.";
}

std::string limbo::state::describe_or_less() noexcept {
  try {
    return describe();
  } catch (const std::bad_alloc&) {
    return "limbo is full";  // short enough for a string without an allocation
  }
}

// The interface.

limbo::limbo(limits limit) : state_{std::make_unique<state>(limit)} {}

limbo::~limbo() {
  drain();
  state_->stop();
  state_->reclaimer.join();
}

limbo::ticket limbo::retire(retire_list&& dead) noexcept {
  retire_block* batch = dead.release();
  return batch == nullptr ? 0 : state_->take(batch);
}

void limbo::throttle() noexcept {
  RCUVM_ASSERT(!sync::rcu::is_in_section(), "limbo::throttle inside a read section: it may wait for itself");
  if (state_->bytes.load_relaxed() <= state_->limit.bytes || state_->is_reclaimer()) return;
  if (is_mutated(mutation::throttle_without_wait)) return;
  RCUVM_CHECK(!sync::rcu::is_in_section(), "limbo::throttle inside a read section: it would wait for itself");
  state_->wait_for_room(state_->limit.bytes);
}

bool limbo::is_over(ticket handed_out) const noexcept { return state_->is_over(handed_out); }

void limbo::wait(ticket handed_out) noexcept { state_->wait_until_over(handed_out); }

void limbo::drain() noexcept {
  ticket last = state_->last_ticket();
  do {
    wait(last);
    last = state_->nested_ticket.load_relaxed();
  } while (!is_over(last));
}

void limbo::on_diagnosis(std::function<void(const std::string& text)> hear) {
  auto listening =
      std::make_shared<const state::listener>(hear ? std::move(hear) : state::listener{say_on_stderr});
  const sync::mutex_guard guard{state_->lock};
  state_->hear = std::move(listening);
}

limbo::statistics limbo::read_statistics() const {
  const sync::mutex_guard guard{state_->lock};
  return state_->read();
}

void limbo::reset_high_water() noexcept {
  state_->high_water_objects.store_relaxed(state_->objects.load_relaxed());
  state_->high_water_bytes.store_relaxed(state_->bytes.load_relaxed());
}

limbo& limbo::process() {
  static limbo the_one;
  return the_one;
}

}  // namespace rcuvm::reclaim
