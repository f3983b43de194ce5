// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/calls.hpp"

#include <algorithm>
#include <array>

namespace rcuvm::recording {
namespace {

using made = std::expected<event::payload, std::string_view>;

/// Takes arguments by name, and remembers the first that is missing.
class taker {
 public:
  explicit taker(const perf::arguments& given) noexcept : given_{given} {}

  std::uint64_t wide(std::string_view key) noexcept {
    const std::uint64_t* const found = given_.find(key);
    if (found == nullptr) {
      if (missing_.empty()) missing_ = key;
      return 0;
    }
    return *found;
  }
  /// Of C type int or unsigned: the kernel looks at the low half of the register only.
  std::uint32_t word(std::string_view key) noexcept { return static_cast<std::uint32_t>(wide(key)); }
  std::int32_t number(std::string_view key) noexcept { return static_cast<std::int32_t>(word(key)); }

  template <class Call>
  made finish(Call call) const {
    if (!missing_.empty()) return std::unexpected{missing_};
    return event::payload{call};
  }

 private:
  const perf::arguments& given_;
  std::string_view missing_;
};

made make_mmap(const perf::arguments& given) {
  taker take{given};
  return take.finish(mmap_call{.how = {},
                               .hint = take.wide("addr"),
                               .length = take.wide("len"),
                               .protection = take.word("prot"),
                               .flags = take.word("flags"),
                               .descriptor = take.number("fd"),
                               .offset = take.wide("off")});
}

made make_munmap(const perf::arguments& given) {
  taker take{given};
  return take.finish(munmap_call{.how = {}, .start = take.wide("addr"), .length = take.wide("len")});
}

made make_mprotect(const perf::arguments& given) {
  taker take{given};
  return take.finish(mprotect_call{
      .how = {}, .start = take.wide("start"), .length = take.wide("len"), .protection = take.word("prot")});
}

made make_pkey_mprotect(const perf::arguments& given) {
  taker take{given};
  return take.finish(mprotect_call{.how = {},
                                   .start = take.wide("start"),
                                   .length = take.wide("len"),
                                   .protection = take.word("prot"),
                                   .key = take.number("pkey"),
                                   .has_key = true});
}

made make_mremap(const perf::arguments& given) {
  taker take{given};
  return take.finish(mremap_call{.how = {},
                                 .old_address = take.wide("addr"),
                                 .old_length = take.wide("old_len"),
                                 .new_length = take.wide("new_len"),
                                 .flags = take.word("flags"),
                                 .new_address = take.wide("new_addr")});
}

made make_brk(const perf::arguments& given) {
  taker take{given};
  return take.finish(brk_call{.how = {}, .wanted = take.wide("brk")});
}

made make_madvise(const perf::arguments& given) {
  taker take{given};
  return take.finish(madvise_call{.how = {},
                                  .start = take.wide("start"),
                                  .length = take.wide("len_in"),
                                  .advice = take.number("behavior")});
}

template <range_call::verb Verb, bool HasFlags>
made make_range_call(const perf::arguments& given) {
  taker take{given};
  range_call call{
      .how = {}, .start = take.wide("start"), .length = take.wide("len"), .flags = 0, .what = Verb};
  if constexpr (HasFlags) call.flags = take.word("flags");
  return take.finish(call);
}

made make_mlockall(const perf::arguments& given) {
  taker take{given};
  return take.finish(mlockall_call{.how = {}, .flags = take.word("flags")});
}

made make_munlockall(const perf::arguments& given) {
  return taker{given}.finish(mlockall_call{.how = {}, .flags = 0, .unlocks = true});
}

made make_shmat(const perf::arguments& given) {
  taker take{given};
  return take.finish(shmat_call{.how = {},
                                .segment = take.number("shmid"),
                                .hint = take.wide("shmaddr"),
                                .flags = take.word("shmflg")});
}

made make_shmdt(const perf::arguments& given) {
  taker take{given};
  return take.finish(shmdt_call{.how = {}, .start = take.wide("shmaddr")});
}

made make_remap_file_pages(const perf::arguments& given) {
  taker take{given};
  return take.finish(remap_file_pages_call{.how = {},
                                           .start = take.wide("start"),
                                           .length = take.wide("size"),
                                           .protection = take.word("prot"),
                                           .page_offset = take.wide("pgoff"),
                                           .flags = take.word("flags")});
}

made make_process_madvise(const perf::arguments& given) {
  taker take{given};
  return take.finish(process_madvise_call{.how = {},
                                          .process_descriptor = take.number("pidfd"),
                                          .ranges = take.wide("vec"),
                                          .range_count = take.wide("vlen"),
                                          .advice = take.number("behavior"),
                                          .flags = take.word("flags")});
}

using verb = range_call::verb;
constexpr call_role memory = call_role::memory;

/// perf_event_mmap() is called from mmap_region, mprotect_fixup, do_brk_flags and, through them, shmat and
/// remap_file_pages. By name, for a binary search.
constexpr std::array kinds{
    call_kind{"brk", memory, true, make_brk},
    call_kind{"clone", call_role::birth},
    call_kind{"clone3", call_role::birth},
    call_kind{"execve", call_role::exec},
    call_kind{"execveat", call_role::exec},
    call_kind{"exit", call_role::death},
    call_kind{"exit_group", call_role::death},
    call_kind{"fork", call_role::birth},
    call_kind{"madvise", memory, false, make_madvise},
    call_kind{"mincore", memory, false, make_range_call<verb::mincore, false>},
    call_kind{"mlock", memory, false, make_range_call<verb::mlock, false>},
    call_kind{"mlock2", memory, false, make_range_call<verb::mlock2, true>},
    call_kind{"mlockall", memory, false, make_mlockall},
    call_kind{"mmap", memory, true, make_mmap},
    call_kind{"mprotect", memory, true, make_mprotect},
    call_kind{"mremap", memory, false, make_mremap},
    call_kind{"mseal", memory, false, make_range_call<verb::mseal, true>},
    call_kind{"msync", memory, false, make_range_call<verb::msync, true>},
    call_kind{"munlock", memory, false, make_range_call<verb::munlock, false>},
    call_kind{"munlockall", memory, false, make_munlockall},
    call_kind{"munmap", memory, false, make_munmap},
    call_kind{"pkey_mprotect", memory, true, make_pkey_mprotect},
    call_kind{"process_madvise", memory, false, make_process_madvise},
    call_kind{"remap_file_pages", memory, true, make_remap_file_pages},
    call_kind{"shmat", memory, true, make_shmat},
    call_kind{"shmdt", memory, false, make_shmdt},
    call_kind{"vfork", call_role::birth},
};
static_assert(std::ranges::is_sorted(kinds, {}, &call_kind::name));

/// Advice that sets a VMA flag, and so may split or merge VMAs: MADV_DONTFORK (10) to MADV_KEEPONFORK (19).
/// The others act on pages alone.
constexpr bool is_flag_advice(std::int32_t advice) noexcept { return advice >= 10 && advice <= 19; }

}  // namespace

const call_kind* find_call(std::string_view name) noexcept {
  const auto* const found = std::ranges::lower_bound(kinds, name, {}, &call_kind::name);
  return found != kinds.end() && found->name == name ? found : nullptr;
}

bool changes_maps(const event::payload& call) noexcept {
  if (const auto* const advice = std::get_if<madvise_call>(&call)) return is_flag_advice(advice->advice);
  if (const auto* const ranged = std::get_if<range_call>(&call)) {
    return ranged->what != verb::msync && ranged->what != verb::mincore;
  }
  return !std::holds_alternative<process_madvise_call>(call);
}

}  // namespace rcuvm::recording
