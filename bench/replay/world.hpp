// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The address spaces of a replay, and how a step acts on them.

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/kernel_bits.hpp"
#include "bench/replay/step.hpp"
#include "rcuvm/mm/request.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/vm/file.hpp"
#include "rcuvm/vm/machine.hpp"

namespace rcuvm::replay {

/// The calls of a script as the model's requests, made before any clock runs.
class requests {
 public:
  explicit requests(const script& of) {
    files_.reserve(of.trace->files.size());
    for (const recording::file& from : of.trace->files) {
      files_.push_back(std::make_shared<vm::file>(vm::file_identity{.name = from.name,
                                                                    .device_major = from.device_major,
                                                                    .device_minor = from.device_minor,
                                                                    .inode = from.inode}));
    }
    maps_.reserve(of.maps.size());
    for (const map_detail& one : of.maps) maps_.push_back(request_of(one));
    remaps_.reserve(of.remaps.size());
    for (const remap_detail& one : of.remaps) remaps_.push_back(request_of(one));
  }

  [[nodiscard]] const mm::map_request& map(std::uint32_t detail) const { return maps_[detail]; }
  [[nodiscard]] const mm::remap_request& remap(std::uint32_t detail) const { return remaps_[detail]; }

 private:
  mm::map_request request_of(const map_detail& from) const {
    mm::map_request made;
    made.hint = from.hint;
    made.length = from.length;
    made.protection = protection_of(from.protection);
    made.flags = map_flags_of(from.flags);
    made.offset = from.offset;
    if (from.file != recording::no_id) made.file = files_[from.file];
    if (from.placed != 0) made.recorded = from.placed;
    if (from.special != recording::backing::stack) made.name = recording::special_name(from.special);
    return made;
  }

  static mm::remap_request request_of(const remap_detail& from) {
    mm::remap_request made;
    made.old_address = from.old_address;
    made.old_length = from.old_length;
    made.new_length = from.new_length;
    made.flags = remap_flags_of(from.flags);
    made.new_address = from.new_address;
    if (from.placed != 0) made.recorded = from.placed;
    return made;
  }

  std::vector<std::shared_ptr<vm::file>> files_;  // by recording::file_id
  std::vector<mm::map_request> maps_;             // as script::maps
  std::vector<mm::remap_request> remaps_;         // as script::remaps
};

/// One address space per space of the recording, made and ended by its steps.
///
/// Writers   the workers, each space in the order that the plan keeps: what one worker did to a space happened before
///           what the next one does to it, as far as they touch the same thing.
/// Readers   one walker, which holds the slot's lock: a space neither appears nor goes while it looks.
template <class Space>
class world {
 public:
  world(vm::machine& machine, const script& of)
      : machine_{machine}, script_{of}, requests_{of}, slots_(of.trace->spaces.size()) {}

  /// The errno of the step, 0 on success. ESRCH: its space is not there.
  int apply(vm::cpu& cpu, const step& one) {
    switch (one.what) {
      case verb::begin: return begin(cpu, one);
      case verb::end: return end(cpu, one);
      default: break;
    }
    Space* const space = slots_[one.space].space.get();
    if (space == nullptr) return ESRCH;
    switch (one.what) {
      case verb::fault: return number_of(space->fault(cpu, one.where.start, access_of(one.access)));
      case verb::refile:
      case verb::map: return number_of(space->map(cpu, requests_.map(one.detail)));
      case verb::unmap: return number_of(space->unmap(cpu, one.where));
      case verb::protect: return number_of(space->protect(cpu, one.where, protection_of(one.number)));
      case verb::remap: return number_of(space->remap(cpu, requests_.remap(one.detail)));
      case verb::brk: return space->brk(cpu, one.where.start), 0;
      case verb::advise: return number_of(space->advise(cpu, one.where, static_cast<int>(one.number)));
      case verb::lock: return number_of(space->lock(cpu, one.where, (one.number & MLOCK_ONFAULT) != 0));
      case verb::unlock: return number_of(space->unlock(cpu, one.where));
      case verb::lock_all: return number_of(space->lock_all(cpu, static_cast<int>(one.number)));
      case verb::grow_stack: return number_of(space->fault(cpu, one.where.start, vm::access::write));
      case verb::fork: return fork(cpu, one, *space);
      case verb::begin:
      case verb::end: break;
    }
    return 0;
  }

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }

  /// Null: not there. For a strict replay, which is alone.
  [[nodiscard]] Space* space(recording::space_id which) { return slots_[which].space.get(); }

  /// Calls f(space) if it is there and nobody else holds its slot. True: it was called.
  template <class F>
  bool visit(recording::space_id which, F f) {
    slot& of = slots_[which];
    if (!of.lock.try_lock()) return false;
    const bool is_there = of.space != nullptr;
    if (is_there) f(*of.space);
    of.lock.unlock();
    return is_there;
  }

  /// Ends the spaces that outlive the recording.
  void end_all(vm::cpu& cpu) {
    for (slot& one : slots_) {
      if (one.space != nullptr) one.space->exit(cpu);
      one.space.reset();
    }
  }

 private:
  struct slot {
    sync::mutex lock;
    std::unique_ptr<Space>
        space;  ///< guard: replaced under lock by the worker whose step it is; read by its workers
  };

  template <class Result>
  static int number_of(const Result& from) {
    return from ? 0 : from.error().number();
  }

  static vm::access access_of(recording::access kind) {
    switch (kind) {
      case recording::access::write: return vm::access::write;
      case recording::access::execute: return vm::access::exec;
      case recording::access::read: break;
    }
    return vm::access::read;
  }

  void put(recording::space_id where, std::unique_ptr<Space> space) {
    sync::mutex_guard held{slots_[where].lock};
    slots_[where].space = std::move(space);
  }

  int begin(vm::cpu& cpu, const step& one) {
    mm::layout where;
    if (const address base = script_.mmap_base[one.space]; base != 0) where.mmap_base = base;
    auto made = std::make_unique<Space>(machine_, where);
    int first_error = 0;
    for (std::uint32_t detail = one.detail; detail < one.detail + one.number; ++detail) {
      const int failed = number_of(made->map(cpu, requests_.map(detail)));
      if (first_error == 0) first_error = failed;
      const map_detail& how = script_.maps[detail];
      if (how.special == recording::backing::stack) made->set_stack({how.placed, how.placed + how.length});
    }
    made->set_break(script_.first_break[one.space]);
    put(one.space, std::move(made));
    return first_error;
  }

  int fork(vm::cpu& cpu, const step& one, Space& parent) {
    auto child = parent.fork(cpu);
    if (child == nullptr) return ENOMEM;
    put(one.detail, std::move(child));
    return 0;
  }

  int end(vm::cpu& cpu, const step& one) {
    std::unique_ptr<Space> ended;
    {
      sync::mutex_guard held{slots_[one.space].lock};
      ended = std::move(slots_[one.space].space);
    }
    if (ended == nullptr) return ESRCH;
    ended->exit(cpu);
    return 0;
  }

  vm::machine& machine_;
  const script& script_;
  const requests requests_;
  std::vector<slot> slots_;
};

}  // namespace rcuvm::replay
