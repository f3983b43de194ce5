// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/model.hpp"

#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include "bench/diff_kernel/smaps.hpp"
#include "bench/kernel_bits.hpp"
#include "proc_maps/from_model.hpp"
#include "rcuvm/base/check.hpp"
#include "rcuvm/designs/designs.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/vm/machine.hpp"

namespace rcuvm::diff_kernel {

namespace {

/// The largest arena eight times: pages of mappings that are gone wait for the end of a grace period.
constexpr std::uint32_t frames = 8 * largest_arena / page_size;
/// Calls after which that end is waited for.
constexpr unsigned calls_between_drains = 64;

template <class Design>
class model_of final : public model {
 public:
  ~model_of() override { end(); }

  void start(const stage& on, const std::vector<vm::file_identity>& files) override {
    end();
    arena_ = on.arena;
    files_.clear();
    for (std::size_t index = 0; index < files.size(); ++index)
      files_.push_back(std::make_shared<vm::file>(files[index], file_sizes[index]));
    space_ = std::make_unique<space>(machine_, mm::layout{.is_bottom_up = on.is_bottom_up,
                                                          .huge_page = on.has_huge_pages ? huge_page : 0,
                                                          .fault_around = fault_around});
    for (const range where : {on.fence_below(), on.fence_above()}) {
      const auto put = space_->map(cpu_, {.hint = where.start,
                                          .length = where.size(),
                                          .flags = {mm::map_flag::shared, mm::map_flag::fixed_noreplace}});
      RCUVM_CHECK(put.has_value(), "an empty address space has room for fences");
    }
    // Nothing else is free, as in the child; and limits are never near to nothing.
    const mm::layout& whole = space_->layout();
    for (const range where :
         {range{whole.lowest, on.fence_below().start}, range{on.fence_above().end, whole.end}}) {
      const auto put = space_->map(cpu_, {.hint = where.start,
                                          .length = where.size(),
                                          .protection = vm::prot::write,
                                          .flags = mm::map_flag::fixed_noreplace,
                                          .name = "[elsewhere]"});
      RCUVM_CHECK(put.has_value(), "an empty address space has room for it");
    }
    space_->set_limits({.locked_bytes = on.lock_limit});
    if (on.with_heap) space_->set_break(on.first_break());
  }

  sight perform(const call& one) override {
    // A dead entry is occupied to whoever looks for room: the designs give the same places once it is over.
    const bool looks_for_room =
        (one.what == verb::map && (one.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0) ||
        (one.what == verb::remap && (one.flags & MREMAP_FIXED) == 0);
    if (++calls_ % calls_between_drains == 0 || (Design::leaves_tombstones && looks_for_room))
      machine_.limbo().drain();
    sight made;
    made.answer = answer_to(one);
    look(one, made);
    for (proc_maps::entry& each : proc_maps::from_model(*space_)) {
      if (arena_.contains(each.where.start)) made.lines.push_back(std::move(each));
    }
    return made;
  }

 private:
  using space = address_space<Design>;

  void end() {
    if (!space_) return;
    ancestors_.push_back(std::move(space_));
    for (const std::unique_ptr<space>& each : ancestors_) each->exit(cpu_);
    ancestors_.clear();
    files_.clear();
    machine_.limbo().drain();
  }

  /// What a call is for that only looks.
  void look(const call& one, sight& into) {
    if (one.what == verb::show) {
      for (address at = arena_.start; at < arena_.end; at += page_size) into.seen += page_letter(load(at));
    } else if (one.what == verb::inspect) {
      space_->walk_snapshot([&](const vm::vma& each) {
        if (!arena_.contains(each.where().start)) return;
        const mm::page_counts has = space_->count_pages(each.where());
        into.seen += smaps_line(
            each.where(), each.fields().flags,
            {.resident = has.resident, .anonymous = has.anonymous, .locked = has.locked_kilobytes()});
      });
    } else if (one.what == verb::core) {
      const address at = arena_.start + one.at;
      const auto pages = space_->resident({at, at + one.length});
      if (!pages) {
        into.answer = failure(pages.error());
        return;
      }
      for (const bool each : *pages) into.seen += page_bit(each);
    }
  }

  answer answer_to(const call& one) {
    const address at = arena_.start + one.at;
    const range where{at, at + one.length};
    switch (one.what) {
      case verb::map: return placed(space_->map(cpu_, map_request_of(one)));
      case verb::unmap: return plain(space_->unmap(cpu_, where));
      case verb::protect: return plain(space_->protect(cpu_, where, protection_of(one.protection)));
      case verb::remap:
        return placed(space_->remap(cpu_, {.old_address = at,
                                           .old_length = one.length,
                                           .new_length = one.new_length,
                                           .flags = remap_flags_of(one.flags),
                                           .new_address = arena_.start + one.new_at}));
      case verb::advise: return plain(space_->advise(cpu_, where, one.advice, all_spaces()));
      case verb::name: {
        const std::string_view name{&one.value, 1};
        return plain(space_->name(cpu_, where, one.value == 0 ? std::nullopt : std::optional{name}));
      }
      case verb::lock: return plain(space_->lock(cpu_, where, (one.flags & MLOCK_ONFAULT) != 0));
      case verb::unlock: return plain(space_->unlock(cpu_, where));
      case verb::lock_all: return plain(space_->lock_all(cpu_, static_cast<int>(one.flags)));
      case verb::sync: return plain(space_->write_back(where, static_cast<int>(one.flags)));
      case verb::brk: return placed(space_->brk(cpu_, at));
      case verb::truncate:
        mm::truncate<Design>(cpu_, *files_[static_cast<std::size_t>(one.file)], one.length, all_spaces());
        return {};
      case verb::limit: return limit(one);
      case verb::limit_to: return limit_to(one.flags, one.length);
      case verb::crowd: {
        mm::limits to = space_->limits();
        to.mappings = static_cast<std::uint64_t>(space_->usage().mappings) + one.length;
        space_->set_limits(to);
        return {};
      }
      case verb::load: return load(at);
      case verb::store: {
        const std::byte value{static_cast<unsigned char>(one.value)};
        const auto stored = space_->write(cpu_, at, std::span{&value, 1});
        return stored ? answer{} : refused(at, stored.error());
      }
      case verb::run: {
        std::byte instruction{};
        const auto fetched = space_->fetch(cpu_, at, std::span{&instruction, 1});
        return fetched ? answer{} : refused(at, fetched.error());
      }
      case verb::descend:
      case verb::spawn: return fork(one);
      case verb::core:
      case verb::show:
      case verb::inspect: break;
    }
    return {};
  }

  /// A parent before its children.
  [[nodiscard]] std::vector<space*> all_spaces() const {
    std::vector<space*> made;
    for (const std::unique_ptr<space>& each : ancestors_) made.push_back(each.get());
    made.push_back(space_.get());
    return made;
  }

  answer limit(const call& one) {
    const mm::usage& has = space_->usage();
    const std::int64_t pages = one.flags == RLIMIT_AS     ? has.pages
                               : one.flags == RLIMIT_DATA ? has.data_pages
                                                          : has.locked_pages;
    const auto wanted = pages * static_cast<std::int64_t>(page_size) + static_cast<std::int64_t>(one.length);
    return limit_to(one.flags, static_cast<std::uint64_t>(std::max<std::int64_t>(wanted, 0)));
  }

  answer limit_to(std::uint32_t resource, std::uint64_t bytes) {
    mm::limits to = space_->limits();
    switch (resource) {
      case RLIMIT_AS: to.bytes = bytes; break;
      case RLIMIT_DATA: to.data_bytes = bytes; break;
      case RLIMIT_MEMLOCK: to.locked_bytes = bytes; break;
      default: to.stack_bytes = bytes;
    }
    space_->set_limits(to);
    return {};
  }

  answer fork(const call& one) {
    std::unique_ptr<space> child = space_->fork(cpu_);
    if (!child) return {outcome::failed, ENOMEM};
    if (one.what == verb::descend) {
      std::swap(space_, child);
      ancestors_.push_back(std::move(child));
      return {};
    }
    const std::byte value{static_cast<unsigned char>(one.value)};
    for (address at = arena_.start; at < arena_.end; at += page_size)
      std::ignore = child->write(cpu_, at, std::span{&value, 1});
    child->exit(cpu_);
    return {};
  }

  [[nodiscard]] mm::map_request map_request_of(const call& one) const {
    mm::map_request made{.hint = one.at == no_hint ? 0 : arena_.start + one.at,
                         .length = one.length,
                         .protection = protection_of(one.protection),
                         .flags = map_flags_of(one.flags),
                         .offset = one.offset};
    if (one.file >= 0) made.file = files_[static_cast<std::size_t>(one.file)];
    return made;
  }

  answer load(address at) {
    std::byte value{};
    const auto loaded = space_->read(cpu_, at, std::span{&value, 1});
    return loaded ? answer{outcome::returned, std::to_integer<std::uint64_t>(value)}
                  : refused(at, loaded.error());
  }

  /// The signal of an access that failed. The model has one errno for what is not mapped and what lies beyond a file's end.
  answer refused(address at, error why) {
    if (why.number() == EACCES) return {outcome::not_allowed, 0};
    if (why.number() != EFAULT) return failure(why);
    if (space_->is_guarded(at)) return {outcome::not_mapped, 0};
    bool is_mapped = false;
    space_->walk_snapshot([&](const vm::vma& one) { is_mapped |= one.where().contains(at); });
    return {is_mapped ? outcome::beyond_file : outcome::not_mapped, 0};
  }

  static answer failure(error why) { return {outcome::failed, static_cast<std::uint64_t>(why.number())}; }
  static answer plain(const result<void>& from) { return from ? answer{} : failure(from.error()); }
  /// Of a call that returns where it has put something.
  answer placed(const result<address>& at) {
    return at ? answer{outcome::returned, *at - arena_.start} : failure(at.error());
  }

  const sync::rcu::registration here_{"diff-kernel"};
  vm::machine machine_{{.frames = frames, .backing = vm::frame_pool::backing::real}};
  vm::cpu cpu_{machine_};
  range arena_;
  std::vector<std::shared_ptr<vm::file>> files_;
  std::unique_ptr<space> space_;
  std::vector<std::unique_ptr<space>> ancestors_;
  unsigned calls_ = 0;
};

}  // namespace

std::unique_ptr<model> make_model(std::string_view design) {
  std::unique_ptr<model> made;
  const bool is_known =
      designs::with_named(design, [&]<class Design> { made = std::make_unique<model_of<Design>>(); });
  RCUVM_CHECK(is_known, "a design is one of designs::names()");
  return made;
}

}  // namespace rcuvm::diff_kernel
