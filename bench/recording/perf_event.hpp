// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The EVENT column of a perf line, as values. What each says about an address space is translator's business.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <variant>

#include "bench/recording/perf_line.hpp"
#include "proc_maps/entry.hpp"
#include "rcuvm/base/address.hpp"
#include "rcuvm/base/range.hpp"

namespace rcuvm::recording::perf {

/// "key: 0x1f, key: 0x20": at most six, which is what a call can have.
class arguments {
 public:
  struct argument {
    std::string_view key;
    std::uint64_t value = 0;
  };

  [[nodiscard]] bool add(argument one) noexcept {
    if (count_ == all_.size()) return false;
    all_[count_++] = one;
    return true;
  }
  /// nullptr when there is no such key.
  [[nodiscard]] const std::uint64_t* find(std::string_view key) const noexcept {
    for (std::size_t at = 0; at < count_; ++at) {
      if (all_[at].key == key) return &all_[at].value;
    }
    return nullptr;
  }

 private:
  std::array<argument, 6> all_;
  std::size_t count_ = 0;
};

struct call_enter {
  std::string_view name;  ///< "mmap"
  arguments given;
};

struct call_exit {
  std::string_view name;
  std::uint64_t returned = 0;  ///< raw
};

/// PERF_RECORD_MMAP2 pid/tid: [start(length) @ offset major:minor inode generation]: rwxp name
struct mapping {
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  range where;  ///< whole pages
  std::uint64_t offset = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;
  std::uint64_t generation = 0;
  proc_maps::permissions allowed;
  std::string_view name;
};

/// PERF_RECORD_COMM: the task has a new name; of an exec, a new program too.
struct naming {
  std::string_view name;
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  bool is_exec = false;
};

/// PERF_RECORD_FORK(pid:tid):(parent pid:parent tid)
struct fork_record {
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  std::int32_t parent_pid = 0;
  std::int32_t parent_tid = 0;
};

/// PERF_RECORD_EXIT(pid:tid):(parent pid:parent tid)
struct exit_record {
  std::int32_t pid = 0;
  std::int32_t tid = 0;
};

/// task:task_newtask; its pid is the new thread's number.
struct new_task {
  std::int32_t tid = 0;
  std::uint64_t flags = 0;
  [[nodiscard]] bool shares_memory() const noexcept { return (flags & 0x100) != 0; }  ///< CLONE_VM
  [[nodiscard]] bool is_thread() const noexcept { return (flags & 0x10000) != 0; }    ///< CLONE_THREAD
};

struct page_fault {
  address at = 0;
  std::uint64_t error_code = 0;  ///< x86: 1 page present, 2 write, 4 user, 0x10 instruction fetch
  bool by_kernel = false;
};

/// PERF_RECORD_LOST: the recorder's buffer was full.
struct lost_record {
  std::uint64_t count = 0;
};

/// Well-formed, but nothing that this reader knows.
struct other_event {
  std::string_view name;
};

using event = std::variant<page_fault, call_enter, call_exit, mapping, new_task, fork_record, exit_record,
                           naming, lost_record, other_event>;

/// Views into `text`. The error's column counts from the start of `text`.
[[nodiscard]] std::expected<event, garble> parse_event(std::string_view text) noexcept;

}  // namespace rcuvm::recording::perf
