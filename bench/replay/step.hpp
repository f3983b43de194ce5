// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A recording, resolved into the calls that a replay makes on the model.
///
/// Everything that needs more than the one event to know is worked out here, once, off every clock: how long the
/// segment of a shmdt is, where a brk was before, which errors the model can be asked for, what a space holds
/// when it begins. A step then says what to call with which arguments, and what the kernel answered.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/static_vector.hpp>

#include "bench/recording/recording.hpp"
#include "bench/replay/order.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/base/range.hpp"

namespace rcuvm::replay {

/// What a step does. The order is the order of the report.
enum class verb : std::uint8_t {
  fault,       ///< where.start is the address
  map,         ///< table maps
  unmap,       ///< where
  protect,     ///< where, number = protection
  remap,       ///< table remaps
  brk,         ///< where.start = the break wanted
  advise,      ///< where, number = MADV_*
  lock,        ///< where, number = MLOCK_*
  unlock,      ///< where
  lock_all,    ///< number = MCL_*; munlockall without any
  refile,      ///< remap_file_pages: table maps, as the kernel replays it as an mmap
  grow_stack,  ///< where = the whole stack from now on
  begin,       ///< exec: the space holds table maps [detail, detail + number)
  fork,        ///< detail = the child
  end,
};
inline constexpr std::size_t verb_count = static_cast<std::size_t>(verb::end) + 1;

/// "fault", "mmap", ...: as the report prints it.
[[nodiscard]] std::string_view name_of(verb what) noexcept;
/// Changes the maps of its space (all but a fault).
[[nodiscard]] constexpr bool is_writer(verb what) noexcept { return what != verb::fault; }

/// mmap or shmat, or one line of what exec made. Numbers are the kernel's.
struct map_detail {
  address hint = 0;
  std::uint64_t length = 0;      ///< bytes, not rounded
  std::uint32_t protection = 0;  ///< PROT_*
  std::uint32_t flags = 0;       ///< MAP_*
  recording::file_id file = recording::no_id;
  std::uint64_t offset = 0;                                    ///< bytes
  address placed = 0;                                          ///< where the kernel put it; 0 when it failed
  recording::backing special = recording::backing::anonymous;  ///< of an exec: stack, vdso, vvar, ...
};

struct remap_detail {
  address old_address = 0;
  std::uint64_t old_length = 0;
  std::uint64_t new_length = 0;
  std::uint32_t flags = 0;
  address new_address = 0;
  address placed = 0;  ///< 0 when it failed
};

struct step {
  verb what = verb::fault;
  recording::access access = recording::access::read;  ///< of a fault
  /// The recording itself cannot tell what was mapped at that moment: a miss is no difference.
  bool is_raced = false;
  std::int16_t expected_error =
      0;  ///< the kernel's errno; 0 = success. Of a fault: filled in by a strict run
  recording::space_id space = recording::no_id;
  recording::task_id task = recording::no_id;
  std::uint32_t detail = 0;
  std::uint32_t number = 0;
  range where;
  std::size_t event = 0;  ///< index into the recording's events
};

/// A recording as steps. Refers to its trace, which must outlive it.
struct script {
  const recording::trace* trace = nullptr;
  std::vector<step> steps;  ///< in recorded order
  std::vector<map_detail> maps;
  std::vector<remap_detail> remaps;
  std::vector<address> first_break;  ///< per space; 0: no brk was ever called
  std::vector<address> mmap_base;    ///< per space: where top-down placement begins; 0: unknown
  std::map<std::string, std::uint64_t, std::less<>> skipped;  ///< why an event is no step, with counts
  bool tells_of_lock_all = false;  ///< the recording has calls of mlockall or munlockall
  std::uint64_t faults = 0;
};

[[nodiscard]] script resolve(const recording::trace& from);

/// What a step reads and changes, for the order between workers.
using touches = boost::container::static_vector<touch, 4>;
[[nodiscard]] touches touches_of(const script& whole, const step& one);

}  // namespace rcuvm::replay
