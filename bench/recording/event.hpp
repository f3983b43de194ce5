// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a recorded program did, one event after the other.
///
/// The order of the events is the order in which they took effect, not the order of the lines: FORMATS.md says,
/// and the sampled maps prove, that a munmap takes effect when it is entered and every other call when it returns.
/// A payload keeps what the kernel was asked and what it answered; nothing is merged, rounded or left out: that is
/// the model's business.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <variant>

#include "proc_maps/entry.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/base/range.hpp"

namespace rcuvm::recording {

using space_id = std::uint32_t;  ///< index into trace::spaces
using task_id = std::uint32_t;   ///< index into trace::tasks
using file_id = std::uint32_t;   ///< index into trace::files

inline constexpr std::uint32_t no_id = std::numeric_limits<std::uint32_t>::max();

/// A stretch of one of the tables of a trace: [first, first + count).
struct table_slice {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// When a call ran and what the kernel answered.
struct call {
  std::uint64_t enter_ns = 0;
  std::uint64_t exit_ns = 0;   ///< 0 when the recording ends, or the task dies, inside the call
  std::uint64_t returned = 0;  ///< raw: an address, a count, or -errno
  bool has_returned = false;
  /// Into trace::notices: what the kernel said it made during the call (PERF_RECORD_MMAP2: mmap, mprotect, brk that
  /// grows, shmat). Each is the VMA after merging.
  table_slice notices;

  /// A call that never returned has no known effect: it counts as failed, without errno.
  [[nodiscard]] bool has_failed() const noexcept { return !has_returned || error_number() != 0; }
  /// The errno; 0 on success and when the call did not return.
  [[nodiscard]] int error_number() const noexcept {
    constexpr std::uint64_t lowest_error = 0xffff'ffff'ffff'f001;
    return has_returned && returned >= lowest_error ? static_cast<int>(~returned + 1) : 0;
  }
};

// Calls. Arguments are the program's own: lengths are not rounded, flags and protections are the kernel's numbers.

/// mmap(2). `returned` is where it was placed.
struct mmap_call {
  call how;
  address hint = 0;
  std::uint64_t length = 0;  ///< bytes
  std::uint32_t protection = 0;
  std::uint32_t flags = 0;
  std::int32_t descriptor = -1;  ///< the low 32 bits, all that the kernel looks at
  file_id file = no_id;  ///< no_id: anonymous and private, failed, or a file that no MMAP2 named (counted)
  std::uint64_t offset = 0;  ///< bytes
};

struct munmap_call {  ///< munmap(2); takes effect at enter_ns
  call how;
  address start = 0;
  std::uint64_t length = 0;
};

struct mprotect_call {  ///< mprotect(2) and pkey_mprotect(2)
  call how;
  address start = 0;
  std::uint64_t length = 0;
  std::uint32_t protection = 0;
  std::int32_t key = -1;  ///< of pkey_mprotect; -1 there: the default key
  bool has_key = false;   ///< false: mprotect
};

struct mremap_call {  ///< mremap(2). `returned` is where it went.
  call how;
  address old_address = 0;
  std::uint64_t old_length = 0;
  std::uint64_t new_length = 0;
  std::uint32_t flags = 0;  ///< 1 MAYMOVE, 2 FIXED, 4 DONTUNMAP
  address new_address = 0;
};

/// brk(2). `returned` is the break afterwards; it never fails. The first brk(0) tells the start.
struct brk_call {
  call how;
  address wanted = 0;
};

struct madvise_call {
  call how;
  address start = 0;
  std::uint64_t length = 0;
  std::int32_t advice = 0;  ///< MADV_*
};

/// A call over a range that changes no VMA's place, though it may split one: `what` says which.
struct range_call {
  enum class verb : std::uint8_t { mlock, mlock2, munlock, msync, mincore, mseal };
  call how;
  address start = 0;
  std::uint64_t length = 0;
  std::uint32_t flags = 0;  ///< mlock2, msync, mseal
  verb what = verb::mlock;
};

struct mlockall_call {  ///< mlockall(2), or munlockall(2)
  call how;
  std::uint32_t flags = 0;  ///< MCL_*
  bool unlocks = false;
};

struct shmat_call {  ///< shmat(2): its notice says where, how long, and which segment
  call how;
  std::int32_t segment = 0;
  address hint = 0;
  std::uint32_t flags = 0;
  file_id file = no_id;
};

struct shmdt_call {
  call how;
  address start = 0;
};

struct remap_file_pages_call {
  call how;
  address start = 0;
  std::uint64_t length = 0;
  std::uint32_t protection = 0;
  std::uint64_t page_offset = 0;  ///< pages
  std::uint32_t flags = 0;
};

struct process_madvise_call {  ///< its target and ranges are behind pointers, so not in the recording
  call how;
  std::int32_t process_descriptor = -1;
  address ranges = 0;
  std::uint64_t range_count = 0;
  std::int32_t advice = 0;
  std::uint32_t flags = 0;
};

// What is no call.

enum class access : std::uint8_t { read, write, execute };

/// A page fault. Kernel: exceptions:page_fault_user and page_fault_kernel.
struct fault {
  address at = 0;
  access kind = access::read;
  bool page_was_present = false;  ///< a protection fault: copy-on-write, or a bad access
  bool by_kernel = false;         ///< copy_to_user and the like
  /// Another task was inside a call that changes this space's maps: the fault may have seen the state before or
  /// after it, so it may miss its VMA in a replay.
  bool races_a_call = false;
  bool during_exec = false;
};

/// The kernel grew a VMA down, outside any call; the VMA as it is now.
struct stack_growth {
  range where;
  bool is_main = true;  ///< the [stack]; false: another MAP_GROWSDOWN area
};

/// execve(2) made a fresh space: the moment at which the old one is gone. The space holds exactly `maps` when the
/// call returns; the faults in between (fault::during_exec) find their VMA if it gets all of them at once.
struct space_begin {
  table_slice maps;                 ///< into trace::notices: sorted, not overlapping, not merged
  bool is_known = true;             ///< false: first seen in mid-life, so what it holds is not known
  std::uint64_t exec_enter_ns = 0;  ///< 0: the enter was before the recording
  std::uint64_t exec_exit_ns = 0;   ///< 0: never returned
};

/// event::space was copied: fork, or clone without CLONE_VM.
struct space_fork {
  space_id child = no_id;
};

struct space_end {};   ///< its last task has left it: exit, or exec
struct task_begin {};  ///< event::task starts to run in event::space: first program, thread, fork, vfork
struct task_end {};    ///< event::task is gone

/// One thing that happened.
struct event {
  using payload = std::variant<fault, mmap_call, munmap_call, mprotect_call, mremap_call, brk_call,
                               madvise_call, range_call, mlockall_call, shmat_call, shmdt_call,
                               remap_file_pages_call, process_madvise_call, stack_growth, space_begin,
                               space_fork, space_end, task_begin, task_end>;

  std::uint64_t time_ns = 0;  ///< CLOCK_MONOTONIC, when it took effect; never less than the event before
  space_id space = no_id;     ///< the address space it acted on
  task_id task = no_id;       ///< who did it
  payload what;
};

/// The call of a payload, const or not; nullptr when it is none.
template <class Payload>
[[nodiscard]] auto call_in(Payload& what) noexcept {
  using pointer = std::conditional_t<std::is_const_v<Payload>, const call*, call*>;
  return std::visit(
      [](auto& one) noexcept -> pointer {
        if constexpr (requires { one.how; }) {
          return &one.how;
        } else {
          return nullptr;
        }
      },
      what);
}
[[nodiscard]] inline const call* call_of(const event& one) noexcept { return call_in(one.what); }

}  // namespace rcuvm::recording
