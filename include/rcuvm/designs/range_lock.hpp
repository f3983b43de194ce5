// SPDX-License-Identifier: Apache-2.0
#pragma once

/// range-lock: writers of different ranges at the same time.

#include <limits>
#include <string_view>
#include <utility>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/designs/rcu_guards.hpp"
#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/range_lock.hpp"

namespace rcuvm::designs {

/// The plan and the one store that publishes it are a writer's alone; its page work is done beside others.
///
///   munmap A   lock ── plan ── claim A ── publish ── kill ── unlock ┐  zap ── shoot down  ┌ lock ── unlink ── shoot down ── unlock
///   munmap B                                              lock ── plan ── claim B ── publish ── unlock ┐  zap ──
///   MAP_FIXED over A                                                lock ── plan ── claim: A is held ┐ waits for A ┌ plan anew ──
///
/// Finds and keeps   as replace: the tree, inside a read section. A fault's own range lock is its page table's, as in CortenMM.
/// Re-checks         under the table's lock: is the VMA live? Else looks up again.
/// Writer            claims the pages that it will be at, before it publishes. Where somebody is at work in what its version
///                   changes, VMAs that it cuts or merges included, it waits without any lock, and starts again: nothing that it
///                   looked up counts any more. mremap, mlockall, fork, guard regions and truncations claim everything.
/// Lost updates      none: two writers never plan on one version, because the writer lock lasts from the plan to the store.
/// Frees             as replace. Tables go under the writer lock, and not while somebody is at work in the hole around them:
///                   then they stay until the next munmap there.
/// Races             none. The price: the writer lock twice for each change that has page work, a second shootdown where tables go,
///                   and the claim.
/// Kernel            none; range locks for mmap_lock were proposed (L. Dufour, 2017; D. Bueso, 2018). See Kogan, Dice, Issa:
///                   Scalable Range Locks for Scalable Address Spaces and Beyond (EuroSys 2020); CortenMM (SOSP 2025).
struct range_lock : rcu_and_one_writer {
  static constexpr std::string_view name = "range-lock";
  static constexpr std::string_view summary =
      "RCU readers as replace; writers of different ranges do their page work side by side";

  static constexpr range everything{0, std::numeric_limits<address>::max()};

  struct state : one_writer {
    using one_writer::one_writer;
    sync::range_lock ranges;
  };

  class write_guard : public one_writer_guard {
   public:
    explicit write_guard(state& of) noexcept : one_writer_guard{of}, state_{of} {}
    ~write_guard() {
      if (!claimed_.is_empty()) state_.ranges.unlock(own_);
    }

    /// Nobody else is at work anywhere until it ends.
    void claim_everything() noexcept {
      unlock();
      state_.ranges.lock(own_, everything);
      claimed_ = everything;
      lock();
    }
    /// Holds `pages`, if nobody is at work in what is `changed`, which contains them. False: somebody is, see wait().
    [[nodiscard]] bool claim(range changed, range pages) noexcept {
      if (has_everything() || is_mutated(mutation::claim_regardless)) return true;
      if (is_mutated(mutation::publish_after_wait)) {
        unlock();
        state_.ranges.wait_until_free(changed);
        lock();
      }
      if (!pages.is_empty() && state_.ranges.try_lock(own_, pages, changed)) {
        claimed_ = pages;
      } else if (!pages.is_empty() || state_.ranges.is_wanted(changed)) {
        busy_ = changed;
      }
      return busy_.is_empty();
    }
    [[nodiscard]] bool must_wait() const noexcept { return !busy_.is_empty(); }
    /// Waits for those that were in the way of claim().
    void wait() noexcept {
      unlock();
      state_.ranges.wait_until_free(std::exchange(busy_, {}));
      lock();
    }
    [[nodiscard]] bool has_everything() const noexcept { return claimed_ == everything; }
    [[nodiscard]] bool is_alone_in(range where) noexcept {
      return has_everything() || !state_.ranges.is_wanted(where, &own_);
    }

   private:
    state& state_;
    sync::range_lock::entry own_;
    range claimed_;
    range busy_;
  };

  /// Without the writer lock from begin to end: other writers are beside. Not where everything is claimed.
  class page_section {
   public:
    static constexpr bool lets_writers_in = true;

    page_section(state&, write_guard& guard) noexcept : guard_{guard} {
      if (!guard_.has_everything()) guard_.unlock();
    }
    ~page_section() {
      if (!guard_.has_everything()) guard_.lock();
    }
    page_section(const page_section&) = delete;
    page_section& operator=(const page_section&) = delete;

   private:
    write_guard& guard_;
  };

  /// Everything, and a read section.
  class steady_guard {
   public:
    explicit steady_guard(state& of) noexcept : held_{of} {}
    [[nodiscard]] const sync::rcu::read_section& section() const noexcept { return section_; }

   private:
    struct held_everything {
      explicit held_everything(state& from) noexcept : of{from} { of.ranges.lock(own, everything); }
      ~held_everything() { of.ranges.unlock(own); }
      held_everything(const held_everything&) = delete;
      held_everything& operator=(const held_everything&) = delete;
      state& of;
      sync::range_lock::entry own;
    };
    held_everything held_;  // waits: before the section
    sync::rcu::read_section section_;
  };

  static void exclude_writers(state&, write_guard& guard) noexcept { guard.claim_everything(); }
  [[nodiscard]] static bool claim(state&, write_guard& guard, range changed, range pages) noexcept {
    return guard.claim(changed, pages);
  }
  static bool wait_for_writers(state&, write_guard& guard, vm::counters& count) noexcept {
    if (!guard.must_wait()) return false;
    const std::uint64_t begun = sync::now_ns();
    guard.wait();
    ++count.range_waits;
    count.range_wait_ns += sync::now_ns() - begun;
    return true;
  }
  static bool may_unlink_tables(state&, write_guard& guard, range hole) noexcept {
    return guard.is_alone_in(hole);
  }
};

}  // namespace rcuvm::designs
