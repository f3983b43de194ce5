// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The kinds of madvise: what each does to flags, and whom it refuses.

#include <sys/mman.h>

#include <cerrno>
#include <optional>

#include "rcuvm/base/error.hpp"
#include "rcuvm/vm/vma.hpp"

namespace rcuvm::mm {

/// MADV_GUARD_INSTALL and MADV_GUARD_REMOVE, which are younger than some C libraries.
inline constexpr int guard_install = 102;
inline constexpr int guard_remove = 103;

/// What a piece of advice does to the flags of a mapping; nothing for advice that is about pages only.
struct flag_change {
  vm::vma_flags add = {};
  vm::vma_flags remove = {};

  [[nodiscard]] bool is_empty() const noexcept { return add.is_empty() && remove.is_empty(); }
};

/// Null: not known. Kernel: madvise_vma_behavior.
[[nodiscard]] inline std::optional<flag_change> flags_of_advice(int advice) noexcept {
  using enum vm::vma_flag;
  switch (advice) {
    case MADV_NORMAL: return flag_change{.remove = {sequential, random}};
    case MADV_SEQUENTIAL: return flag_change{.add = sequential, .remove = random};
    case MADV_RANDOM: return flag_change{.add = random, .remove = sequential};
    case MADV_DONTFORK: return flag_change{.add = dont_fork};
    case MADV_DOFORK: return flag_change{.remove = dont_fork};
    case MADV_DONTDUMP: return flag_change{.add = dont_dump};
    case MADV_DODUMP: return flag_change{.remove = dont_dump};
    case MADV_WIPEONFORK: return flag_change{.add = wipe_on_fork};
    case MADV_KEEPONFORK: return flag_change{.remove = wipe_on_fork};
    case MADV_HUGEPAGE: return flag_change{.add = huge_pages, .remove = no_huge_pages};
    case MADV_NOHUGEPAGE: return flag_change{.add = no_huge_pages, .remove = huge_pages};
    case MADV_MERGEABLE: return flag_change{.add = mergeable};
    case MADV_UNMERGEABLE: return flag_change{.remove = mergeable};
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
    case guard_install:
    case guard_remove: return flag_change{};
    default: return std::nullopt;
  }
}

/// The flags of a mapping after advice about flags. EINVAL: the kernel refuses such advice for it.
[[nodiscard]] inline result<vm::vma_flags> advised_flags(const vm::vma_fields& of, int advice,
                                                         const flag_change& change) noexcept {
  const bool is_plain = of.is_private() && of.is_anonymous();
  if (advice == MADV_WIPEONFORK && !is_plain) return fail(EINVAL);
  if (advice == MADV_MERGEABLE && !of.is_private()) return of.flags;
  return of.flags.without(change.remove).with(change.add);
}

/// The errno with which the kernel refuses advice about the pages of such a mapping; 0: it does not.
[[nodiscard]] inline int refusal_of_advice(const vm::vma_fields& of, int advice) noexcept {
  const bool is_locked = of.flags.has(vm::vma_flag::locked);
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_COLD:
    case MADV_PAGEOUT: return is_locked ? EINVAL : 0;
    case guard_install: return is_locked || of.flags.has(vm::vma_flag::special) ? EINVAL : 0;
    case guard_remove: return of.flags.has(vm::vma_flag::special) ? EINVAL : 0;
    case MADV_FREE: return of.is_anonymous() && !is_locked ? 0 : EINVAL;
    case MADV_REMOVE:
      if (is_locked || of.is_anonymous()) return EINVAL;
      return of.flags.has(vm::vma_flag::shared) ? 0 : EACCES;  // before 6.7 it had to be writable, too
    default: return 0;
  }
}

}  // namespace rcuvm::mm
