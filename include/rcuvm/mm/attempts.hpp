// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Why a fault starts again, and when it has done so often enough; and the same for other calls that work as faults do.

#include <algorithm>
#include <cstdint>

#include "rcuvm/mm/lineage.hpp"
#include "rcuvm/mm/request.hpp"
#include "rcuvm/vm/counters.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::mm {

/// What a mapping has to do with one page of it. Two that are equal are one mapping as far as the page goes.
struct page_of_mapping {
  const vm::file* backing = nullptr;
  std::uint64_t page = 0;
  std::uint64_t anon = 0;
  vm::vma_flags flags = {};
  bool is_mapped = false;

  static page_of_mapping in(const vm::vma& mapping, address at, const lineage& of) noexcept {
    const vm::vma_fields& fields = mapping.fields();
    return {fields.backing.get(), fields.page_of(at), of.anon_of(mapping), fields.flags, true};
  }
  friend bool operator==(const page_of_mapping&, const page_of_mapping&) = default;
};

/// When the next attempt takes the design's lock, and when it is better to wait.
class attempts {
 public:
  static constexpr unsigned without_lock = ~0U;

  /// `until_lock`: how many may fail before one takes the design's lock; without_lock: it has none.
  explicit attempts(unsigned until_lock) noexcept : until_lock_{until_lock} {}
  template <class Design>
  [[nodiscard]] static attempts under() noexcept {
    return attempts{Design::falls_back ? Design::attempts_until_lock : without_lock};
  }

  /// Too many have failed, or a writer was inside.
  [[nodiscard]] bool needs_lock() const noexcept { return meets_writer_ || failures_ >= until_lock_; }
  [[nodiscard]] bool meets_writer() const noexcept { return meets_writer_; }
  /// Is it worth nothing to try again at once?
  [[nodiscard]] bool must_wait() const noexcept { return must_wait_ && !meets_writer_; }
  [[nodiscard]] unsigned failures() const noexcept { return failures_; }

  /// It could not go on with what it found.
  void failed() noexcept {
    ++failures_;
    must_wait_ = false;
  }
  /// A writer is at what it found.
  void met_writer() noexcept {
    meets_writer_ = until_lock_ != without_lock;
    must_wait_ = true;
  }

 private:
  const unsigned until_lock_;
  unsigned failures_ = 0;
  bool meets_writer_ = false;
  bool must_wait_ = false;
};

/// The attempts of one fault, counted: how many failed, why, and whether they had to.
///
/// A retry is true when the page's mapping is another one afterwards: gone, with other rights, another page of a file, other
/// anonymous pages. Else it is spurious: a change elsewhere made the fault start again.
class fault_attempts {
 public:
  fault_attempts(vm::counters& count, const lineage& of, attempts all) noexcept
      : count_{count}, lineage_{of}, all_{all} {}
  ~fault_attempts() {
    count_.longest_retries = std::max<std::uint64_t>(count_.longest_retries, all_.failures());
  }
  fault_attempts(const fault_attempts&) = delete;
  fault_attempts& operator=(const fault_attempts&) = delete;

  /// Does the next attempt take the design's lock?
  [[nodiscard]] bool take_lock() noexcept {
    const bool takes = all_.needs_lock();
    if (takes) ++(all_.meets_writer() ? count_.fallbacks_writer : count_.fallbacks_retries);
    return takes;
  }
  /// This attempt has found `mapping`, or null.
  void look_at(const vm::vma* mapping, address at) noexcept {
    if (!has_failed_) return;
    has_failed_ = false;
    const auto now = mapping == nullptr ? page_of_mapping{} : page_of_mapping::in(*mapping, at, lineage_);
    ++(now == before_ ? count_.retries_spurious : count_.retries_true);
  }
  /// It could not go on with what it found.
  void failed(const vm::vma& mapping, address at) noexcept {
    before_ = page_of_mapping::in(mapping, at, lineage_);
    has_failed_ = true;
    all_.failed();
  }
  /// The design did not let it have what it found, or it is building. `mapping` is null if it has been used again: then the page's
  /// mapping has changed.
  void turned_away(const vm::vma* mapping, address at, kept how) noexcept {
    if (how == kept::lock) return met_writer();
    if (mapping != nullptr) return failed(*mapping, at);
    ++count_.retries_true;
    all_.failed();
  }
  /// A writer is at what it found.
  void met_writer() noexcept {
    ++count_.waits_vma_building;
    all_.met_writer();
  }
  [[nodiscard]] bool must_wait() const noexcept { return all_.must_wait(); }

 private:
  vm::counters& count_;
  const lineage& lineage_;
  attempts all_;
  page_of_mapping before_;
  bool has_failed_ = false;
};

}  // namespace rcuvm::mm
