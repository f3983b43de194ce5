// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/model.hpp"

#include <linux/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <type_traits>

#include "bench/diff_kernel/scene.hpp"
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

  void start(range arena, const std::vector<vm::file_identity>& files) override {
    end();
    arena_ = arena;
    files_.clear();
    for (std::size_t index = 0; index < files.size(); ++index)
      files_.push_back(std::make_shared<vm::file>(files[index], file_sizes[index]));
    space_ = std::make_unique<space>(machine_);
    for (const range where : {fence_below(arena), fence_above(arena)}) {
      const auto put = space_->map(cpu_, {.hint = where.start,
                                          .length = where.size(),
                                          .flags = mm::map_flag::fixed_noreplace,
                                          .name = "[fence]"});
      RCUVM_CHECK(put.has_value(), "an empty address space has room for fences");
    }
  }

  sight perform(const call& one) override {
    if (++calls_ % calls_between_drains == 0) machine_.limbo().drain();
    sight made{.answer = answer_to(one), .bytes = {}, .lines = {}};
    if (one.what == verb::show) {
      for (address at = arena_.start; at < arena_.end; at += page_size) made.bytes += page_letter(load(at));
    }
    for (proc_maps::entry& each : proc_maps::from_model(*space_)) {
      if (arena_.contains(each.where.start)) made.lines.push_back(std::move(each));
    }
    return made;
  }

 private:
  using space = address_space<Design>;

  void end() {
    if (!space_) return;
    space_->exit(cpu_);
    space_.reset();
    files_.clear();
    machine_.limbo().drain();
  }

  answer answer_to(const call& one) {
    const address at = arena_.start + one.at;
    const range where{at, at + one.length};
    switch (one.what) {
      case verb::map: return relative(space_->map(cpu_, map_request_of(one)));
      case verb::unmap: return plain(space_->unmap(cpu_, where));
      case verb::protect: return plain(space_->protect(cpu_, where, protection_of(one.protection)));
      case verb::remap:
        return relative(space_->remap(cpu_, {.old_address = at,
                                             .old_length = one.length,
                                             .new_length = one.new_length,
                                             .flags = remap_flags_of(one.flags),
                                             .new_address = arena_.start + one.new_at}));
      case verb::advise: return plain(space_->advise(cpu_, where, one.advice));
      case verb::lock: return plain(space_->lock(cpu_, where, (one.flags & MLOCK_ONFAULT) != 0));
      case verb::unlock: return plain(space_->unlock(cpu_, where));
      case verb::load: return load(at);
      case verb::store: {
        const std::byte value{static_cast<unsigned char>(one.value)};
        const auto stored = space_->write(cpu_, at, std::span{&value, 1});
        return stored ? answer{} : refused(at, stored.error());
      }
      case verb::show: break;
    }
    return {};
  }

  [[nodiscard]] mm::map_request map_request_of(const call& one) const {
    mm::map_request made{.hint = arena_.start + one.at,
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
    bool is_mapped = false;
    space_->walk_snapshot([&](const vm::vma& one) { is_mapped |= one.where().contains(at); });
    return {is_mapped ? outcome::beyond_file : outcome::not_mapped, 0};
  }

  static answer failure(error why) { return {outcome::failed, static_cast<std::uint64_t>(why.number())}; }
  static answer plain(const result<void>& from) { return from ? answer{} : failure(from.error()); }
  [[nodiscard]] answer relative(const result<address>& from) const {
    return from ? answer{outcome::returned, *from - arena_.start} : failure(from.error());
  }

  const sync::rcu::registration here_{"diff-kernel"};
  vm::machine machine_{{.frames = frames, .backing = vm::frame_pool::backing::real}};
  vm::cpu cpu_{machine_};
  range arena_;
  std::vector<std::shared_ptr<vm::file>> files_;
  std::unique_ptr<space> space_;
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
