// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Limbo: where the dead wait until no reader can see them, counted and limited.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rcuvm/reclaim/retire.hpp"

namespace rcuvm::reclaim {

struct limits {
  std::uint64_t bytes = std::uint64_t{64} << 20U;    ///< more than this held: throttle() makes writers wait
  std::uint64_t diagnose_after_ns = 1'000'000'000U;  ///< of one such wait, before the diagnosis
};

/// One batch (the retire_list of an operation):
///
///   open ------ retire() ------> queued ------> waiting ------------> freed
///   in the writer's hands,       in a lane or   the reclaimer is      in ticket order, then
///   being filled                 pending        in synchronize()      is_over(ticket)
///        \______ throttle(): a writer's place to wait, before it locks anything ______/
///
/// Protects   dead objects from being freed under a reader; memory from growing without bound under a stuck reader.
/// Writers    any number call retire(). Progress: it allocates nothing and does not wait (but see "limit"), and wakes
///            the reclaimer only out of its idle sleep.
/// Reclaimer  one thread of the limbo: takes all queued batches, waits for one grace period, frees them. After a round
///            it naps for a millisecond so that batches share grace periods, but not when somebody waits or much is held;
///            after 16 empty naps it sleeps until the next retire(). Objects' free functions run on it; they may retire
///            further objects, but must not wait for them. Runs where the limbo's maker may, and on the cpu that retires
///            most of it while no cpu is to spare: with it, more registered threads than cpus are at work (rcu.hpp).
/// Limit      throttle() waits while more than limits::bytes are held, so these grow to the limit plus one operation per
///            writer. A writer that never calls it is stopped by retire() itself at twice the limit: therefore no
///            lock may be held over retire() that a reader waits for inside its section.
/// Invariants held objects = retired - freed, the same for bytes (those of `retired::bytes`; the lists' own storage of
///            about 24 bytes an object is not counted). A batch is freed once. Tickets are over in order.
/// Ordering   limbo.W1-limbo.R1: what the writer did before retire() is visible to the free functions.
///            limbo.W2-limbo.R2: who sees a ticket over sees its objects freed.
///            limbo.W3-limbo.R3: the sleeping mark shares its word with the tickets: a writer either sees it and wakes
///            the reclaimer, or has its ticket seen by the reclaimer, which then does not sleep.
/// Kernel     call_rcu and rcu_barrier, with a bound.     Cost: about 100 ns a batch.
class limbo {
 public:
  /// Rises with each batch. 0: an empty list, over from the start.
  using ticket = std::uint64_t;

  /// Starts the reclaimer. Throws std::system_error, std::bad_alloc.
  explicit limbo(limits limit = {});
  /// Drains, and ends the reclaimer. No call may be under way or follow.
  ~limbo();
  limbo(const limbo&) = delete;
  limbo& operator=(const limbo&) = delete;

  /// Hands over all objects of `dead`, which is empty afterwards. They must be unlinked already.
  ticket retire(retire_list&& dead) noexcept;

  /// For a writer that is about to work, before it takes its lock and outside sections: waits while too much is held.
  /// Cost when there is room: a load.
  void throttle() noexcept;

  /// Everything of this ticket (and of all smaller ones) has been freed.
  [[nodiscard]] bool is_over(ticket handed_out) const noexcept;

  /// Until is_over(). Not inside a section, not in a free function: both would wait for themselves, which ends the
  /// program.
  void wait(ticket handed_out) noexcept;

  /// Until all that was retired before the call has been freed, and what its free functions have retired in turn.
  void drain() noexcept;

  /// Who hears the diagnosis of a long throttle(), once a second, on the waiting writer's thread. Default: stderr.
  /// The text names bytes held, limit, objects, oldest age, the threads inside a section, and the cure.
  void on_diagnosis(std::function<void(const std::string& text)> hear);

  struct statistics {
    std::uint64_t objects;  ///< held now
    std::uint64_t bytes;    ///< held now
    std::uint64_t high_water_bytes;
    std::uint64_t high_water_objects;
    std::uint64_t
        oldest_age_ns;  ///< of the oldest batch held, since it was seen: a nap after its retire(). 0: none
    std::uint64_t retired;        ///< objects, ever
    std::uint64_t freed;          ///< objects, ever
    std::uint64_t grace_periods;  ///< that the reclaimer has waited for
    std::uint64_t throttled;      ///< waits of throttle() and retire() for room
    std::uint64_t throttled_ns;   ///< their sum
  };

  /// One moment's figures.
  [[nodiscard]] statistics read_statistics() const;

  /// The high-water marks start again from what is held now.
  void reset_high_water() noexcept;

  /// The limbo that is used where none is named. Lives to the end of the process.
  static limbo& process();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace rcuvm::reclaim
