// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Taking pages out of page tables.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include "rcuvm/base/mutation.hpp"
#include "rcuvm/mm/address_space.hpp"

namespace rcuvm {

/// Pages that a call takes out of page tables, until no cpu uses them any more; at the end at the latest.
///
///   clear PTEs ── unlink tables ── shoot down, once ── frames go to the pool, tables to the design
///
/// Frames wait here, so many at most; a zap of more shoots down for each lot, even where translations may stay.
/// Threads   the one that makes it. Kernel: mmu_gather.
template <class Design>
class address_space<Design>::zapping {
 public:
  /// Of pages in `where`. Takes nothing yet.
  zapping(address_space& in, vm::cpu& by, range where, translations old) noexcept
      : in_{in}, cpu_{by}, where_{where}, may_wait_{old == translations::may_stay && in.is_lazy_} {}
  ~zapping() { finish(); }
  zapping(const zapping&) = delete;
  zapping& operator=(const zapping&) = delete;

  /// Clears the PTEs of the pages of `part` that takes(pte, address) names, as long as is_valid(), asked under each table's lock,
  /// says so; its answer at the end. Guards go with their mapping only.
  template <class IsValid, class Takes>
  bool clear_while(range part, guards then, IsValid is_valid, Takes takes) {
    bool may_go_on = true;
    in_.pages_.for_each_leaf(part, [&](vm::table& leaf, unsigned first, unsigned end, address base) {
      if (!may_go_on) return;
      if (count_ + vm::table::entry_count > frames_.size()) flush();
      sync::mutex_guard held{leaf.lock};
      may_go_on = is_valid();
      if (!may_go_on) return;
      leaf.clear_if(first, end, [&](unsigned index) {
        const vm::pte entry = leaf.entry(index);
        if (entry.is_guard()) return then == guards::go;
        if (!takes(entry, base + (index - first) * page_size)) return false;
        open();
        frames_[count_++] = entry.frame();
        return true;
      });
    });
    return may_go_on;
  }
  /// All pages of `part`, which nobody may fault in again.
  void clear(range part) {
    std::ignore = clear_while(part, guards::go, [] { return true; }, takes_all{});
  }
  /// Tables there have been unlinked: a cpu may be walking them.
  void note_tables() noexcept {
    has_tables_ = true;
    is_finished_ = false;
  }

  /// After this no cpu uses what was taken; or, where translations may stay, none will once it has swept.
  void finish() noexcept {
    if (std::exchange(is_finished_, true)) return;
    if (lazy_ != nullptr && !has_flushed_ && !has_tables_ && count_ <= vm::lazy_zaps::most_frames) {
      leave();
      return;
    }
    if (count_ > 0 || has_tables_ || (!may_wait_ && in_.open_zaps_.any_in(where_, &opened()))) flush();
    in_.open_zaps_.close(opened());
    if (lazy_ != nullptr) in_.lazy_zaps_.give_back(*std::exchange(lazy_, nullptr));
    is_open_ = has_tables_ = false;
  }

 private:
  [[nodiscard]] vm::open_zaps::zap& opened() noexcept { return lazy_ == nullptr ? own_ : lazy_->zap; }
  void open() noexcept {
    if (std::exchange(is_open_, true)) return;
    if (may_wait_) lazy_ = in_.lazy_zaps_.take();
    in_.open_zaps_.open(opened(), where_);
  }
  void flush() noexcept {
    if (!is_mutated(mutation::unmap_without_shootdown)) in_.shoot_down(cpu_);
    for (const vm::frame_number each : std::span{frames_}.first(count_))
      in_.machine_.frames().put(each, cpu_.stock);
    cpu_.count.frames_freed += count_;
    count_ = 0;
    has_flushed_ = true;
  }
  /// For the cpus' next ticks.
  void leave() noexcept {
    in_.lazy_zaps_.leave(*std::exchange(lazy_, nullptr), std::span{frames_}.first(std::exchange(count_, 0)),
                         [&] { return in_.machine_.ask_for_sweep(); });
    is_open_ = false;
    ++cpu_.count.shootdowns_left;
    cpu_.tick();  // its own translations go at once
    in_.free_swept(cpu_, in_.machine_.swept_by_all(in_.cpus_));
  }

  address_space& in_;
  vm::cpu& cpu_;
  const range where_;
  const bool may_wait_;
  bool is_open_ = false;
  bool has_flushed_ = false;
  bool has_tables_ = false;
  bool is_finished_ = false;
  vm::open_zaps::zap own_;
  vm::lazy_zaps::place* lazy_ = nullptr;
  std::size_t count_ = 0;
  std::array<vm::frame_number, 4 * vm::table::entry_count> frames_;
};

template <class Design>
template <class IsValid, class Takes>
bool address_space<Design>::zap_while(vm::cpu& cpu, range where, guards then, translations old,
                                      IsValid is_valid, Takes takes) {
  zapping pages{*this, cpu, where, old};
  return pages.clear_while(where, then, is_valid, takes);
}

/// After this no cpu uses a translation whose PTE was cleared or changed before; zaps that wait for sweeps are over.
template <class Design>
void address_space<Design>::shoot_down(vm::cpu& cpu) noexcept {
  const std::uint64_t asked = is_lazy_ ? machine_.sweeps_asked() : 0;
  cpu.shoot_down(cpus_);
  free_swept(cpu, asked);
}

/// Frees what waited for `sweep`, which every cpu has done.
template <class Design>
void address_space<Design>::free_swept(vm::cpu& cpu, std::uint64_t sweep) noexcept {
  lazy_zaps_.collect(sweep, open_zaps_, [&](vm::frame_number each) {
    machine_.frames().put(each, cpu.stock);
    ++cpu.count.frames_freed;
  });
}

}  // namespace rcuvm
