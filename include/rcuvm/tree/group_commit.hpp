// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Changes of several writers of a tree, published together.

#include <cstdint>
#include <utility>

#include "rcuvm/base/error.hpp"
#include "rcuvm/base/mutation.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/maple_tree.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/checked.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/sync/thread.hpp"

namespace rcuvm::tree {

/// Who finds nobody waiting leads: it publishes, in one version, what has come in until it has the writer lock.
///
///   A   queue: empty ── lock ─────────────── take [A B C] ── publish ── A, B, C are done ── unlock
///   B   queue: behind A ── waits ·····································┤
///   C          queue: behind B ── waits ······························┤
///
/// Protects   the tree it is made for: all its writers come through here, or hold the same lock.
/// Writers    any number. Progress: blocking; who does not lead waits for who does.
/// Ordering   group.D1-group.D2: who is told that it is done sees the version with its change.
/// Cost       two locks for who leads, one and a wait for the others. On two cores a plain lock is as fast or faster (bench tree:
///            writers_N_lock, writers_N_group).
/// Source     flat combining (Hendler, Incze, Shavit, Tzafrir, SPAA 2010), the group commit of databases.
template <class T, class Layout = default_layout>
class group_commit {
 public:
  explicit group_commit(maple_tree<T, Layout>& of) noexcept : tree_{of} {}
  group_commit(const group_commit&) = delete;
  group_commit& operator=(const group_commit&) = delete;

  /// As a transaction's store(), published when it returns. Outside read sections.
  [[nodiscard]] result<void> store(range where, T* value) noexcept {
    request mine{.where = where, .value = value};
    if (enqueue(mine)) {
      lead();
    } else {
      constexpr unsigned spins =
          sync::checked::sized(4096U, 0U);  // a commit is as long; to yield is a system call
      for (unsigned tries = 0; done_.load_acquire() < mine.ticket; ++tries) {  // group.D2 <- group.D1
        if (tries < spins) {
          sync::relax();
        } else {
          sync::yield();
        }
      }
    }
    return mine.outcome;
  }

 private:
  struct request {
    range where;
    T* value;
    std::uint64_t ticket = 0;   ///< guard: queue_lock_; in order of arrival
    request* later = nullptr;   ///< guard: queue_lock_; after that the leader's
    result<void> outcome = {};  ///< guard: the leader's until done_
  };

  /// True: it is the first.
  [[nodiscard]] bool enqueue(request& mine) noexcept {
    const sync::mutex_guard held{queue_lock_};
    mine.ticket = ++tickets_;
    request** const place = last_ == nullptr ? &first_ : &last_->later;
    *place = &mine;
    return std::exchange(last_, &mine) == nullptr;
  }
  void lead() noexcept {
    const sync::write_section writing{lock_};
    request* group = nullptr;
    std::uint64_t last = 0;
    {
      const sync::mutex_guard held{queue_lock_};
      group = std::exchange(first_, nullptr);
      last_ = nullptr;
      last = tickets_;
    }
    auto change = tree_.begin(writing);
    for (request* one = group; one != nullptr; one = one->later)
      one->outcome = change.store(one->where, one->value);
    if (is_mutated(mutation::tell_before_publishing)) done_.store_release(last);  // group.D1 -> group.D2
    change.commit();
    done_.store_release(last);  // group.D1 -> group.D2; the requests may be gone from here on
  }

  maple_tree<T, Layout>& tree_;
  sync::mutex lock_;  ///< the tree's writer lock
  sync::mutex queue_lock_;
  request* first_ = nullptr;             ///< guard: queue_lock_
  request* last_ = nullptr;              ///< guard: queue_lock_
  std::uint64_t tickets_ = 0;            ///< guard: queue_lock_; handed out
  sync::atomic<std::uint64_t> done_{0};  ///< guard: stored under lock_; the last ticket that is published
};

}  // namespace rcuvm::tree
