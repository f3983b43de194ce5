// SPDX-License-Identifier: Apache-2.0
#include "bench/replay/strict.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "bench/replay/world.hpp"
#include "proc_maps/diff.hpp"
#include "proc_maps/from_model.hpp"
#include "rcuvm/designs/designs.hpp"
#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::replay {

namespace {

using proc_maps::entry;

/// Joins lines that touch and say the same.
std::vector<entry> joined(std::span<const entry> lines) {
  std::vector<entry> made;
  for (const entry& one : lines) {
    if (!made.empty()) {
      entry& last = made.back();
      const bool continues = one.inode == 0 || last.offset + last.where.size() == one.offset;
      if (last.where.end == one.where.start && last.allowed == one.allowed && last.inode == one.inode &&
          last.name == one.name && last.device_major == one.device_major &&
          last.device_minor == one.device_minor && continues) {
        last.where.end = one.where.end;
        continue;
      }
    }
    made.push_back(one);
  }
  return made;
}

template <class F>
std::vector<entry> changed(std::span<const entry> lines, F change) {
  std::vector<entry> made(lines.begin(), lines.end());
  std::ranges::for_each(made, change);
  return joined(made);
}

constexpr std::string_view deleted = " (deleted)";

void cut_deleted(std::string& name) {
  if (name.ends_with(deleted)) name.resize(name.size() - deleted.size());
}

/// The files that have lost their names, as far as the samples so far tell.
class unlinked_files {
 public:
  /// Of a sample that is equal to the model's lines but for the mark.
  void learn(std::span<const entry> sampled, std::span<const entry> modelled) {
    for (std::size_t index = 0; index < sampled.size(); ++index) {
      if (sampled[index].name != modelled[index].name) known_.insert(identity_of(modelled[index]));
    }
  }

  void mark(std::span<entry> modelled) const {
    for (entry& one : modelled) {
      if (known_.contains(identity_of(one))) one.name += deleted;
    }
  }

 private:
  using identity =
      std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::string>;  // device, inode, name

  static identity identity_of(const entry& of) {
    return {of.device_major, of.device_minor, of.inode, of.name};
  }

  std::set<identity> known_;
};

/// Is there a byte of `some` that `others` lack?
bool has_more(std::span<const entry> some, std::span<const entry> others) {
  return std::ranges::any_of(some, [&](const entry& one) {
    std::uint64_t reached = one.where.start;
    for (const entry& other : others) {
      if (other.where.start <= reached) reached = std::max(reached, other.where.end);
    }
    return reached < one.where.end;
  });
}

template <class Space>
class strict_replay {
 public:
  strict_replay(const script& of, strict_result& into)
      : script_{of}, result_{into}, machine_{{.frames = 1U << 21}}, cpu_{machine_}, world_{machine_, of} {}

  void run(std::vector<std::int16_t>* answers) {
    std::size_t sample = 0;
    const auto& samples = order_of_samples();
    for (std::size_t index = 0; index < script_.steps.size(); ++index) {
      const step& one = script_.steps[index];
      while (sample < samples.size() && script_.trace->samples[samples[sample]].events_before <= one.event) {
        compare(samples[sample++]);
      }
      const int got = world_.apply(cpu_, one);
      if (answers != nullptr) answers->push_back(static_cast<std::int16_t>(got));
      note(index, one, got);
    }
    while (sample < samples.size()) compare(samples[sample++]);
    world_.end_all(cpu_);
  }

 private:
  std::vector<std::size_t> order_of_samples() const {
    std::vector<std::size_t> made;
    for (std::size_t index = 0; index < script_.trace->samples.size(); ++index) {
      const recording::maps_sample& one = script_.trace->samples[index];
      if (one.is_comparable()) {
        made.push_back(index);
      } else {
        ++result_.not_comparable[std::string{recording::name_of(one.verdict)}];
      }
    }
    std::ranges::sort(made, {},
                      [&](std::size_t index) { return script_.trace->samples[index].events_before; });
    return made;
  }

  void note(std::size_t index, const step& one, int got) {
    if (one.what != verb::fault) {
      if (got != one.expected_error) result_.answers.push_back({index, one.expected_error, got});
      return;
    }
    ++result_.faults;
    if (got == 0) return;
    ++(one.is_raced ? result_.faults_raced : result_.faults_refused);
  }

  void compare(std::size_t index) {
    const recording::maps_sample& sample = script_.trace->samples[index];
    Space* const space = world_.space(sample.space);
    const std::vector<entry> expected = without_gate(sample.entries);
    const std::vector<entry> modelled = lines_of(space);
    auto why = why_different(expected, modelled);
    const auto accept_if_equal_after = [&](untold call) {
      if (why_different(expected, lines_of(space))) return;
      ++result_.after_untold[std::string{name_of(call)}];
      why.reset();
    };
    if (why == cause::merge && !script_.tells_of_lock_all) {
      lock_and_unlock_all(*space);
      accept_if_equal_after(untold::lock_all);
    } else if (why == cause::unlinked && expected.size() == modelled.size()) {
      unlinked_.learn(expected, modelled);
      accept_if_equal_after(untold::unlink);
    }
    if (!why) {
      ++result_.equal;
      return;
    }
    result_.different.push_back({index, *why, proc_maps::diff(expected, modelled)});
  }

  std::vector<entry> lines_of(Space* space) const {
    if (space == nullptr) return {};
    std::vector<entry> made = proc_maps::from_model(*space);
    unlinked_.mark(made);
    return made;
  }

  /// A guess. Where it is wrong, this sample is counted as different, and the locks that it took away are in no maps line.
  void lock_and_unlock_all(Space& space) {
    std::ignore = space.lock_all(cpu_, MCL_CURRENT | MCL_ONFAULT);  // refused: the maps tell
    std::ignore = space.lock_all(cpu_, 0);
  }

  const script& script_;
  strict_result& result_;
  vm::machine machine_;
  vm::cpu cpu_;
  world<Space> world_;
  unlinked_files unlinked_;
};

}  // namespace

std::string_view name_of(cause why) noexcept {
  static constexpr std::array<std::string_view, 8> names{
      "merge",  "file unlinked meanwhile", "name", "offset", "device or inode", "permissions", "missing",
      "surplus"};
  return names[static_cast<std::size_t>(why)];
}

std::string_view name_of(untold call) noexcept {
  return call == untold::unlink ? "unlink" : "mlockall and munlockall";
}

std::vector<entry> without_gate(std::span<const entry> sampled) {
  std::vector<entry> kept;
  std::ranges::copy_if(sampled, std::back_inserter(kept),
                       [](const entry& one) { return one.name != proc_maps::vsyscall_name; });
  return kept;
}

std::optional<cause> why_different(std::span<const entry> sampled, std::span<const entry> modelled) {
  if (std::ranges::equal(sampled, modelled)) return std::nullopt;
  const auto is_same_after = [&](auto change) {
    return changed(sampled, change) == changed(modelled, change);
  };
  if (is_same_after([](entry&) {})) return cause::merge;
  if (is_same_after([](entry& one) { cut_deleted(one.name); })) return cause::unlinked;
  if (is_same_after([](entry& one) { one.name.clear(); })) return cause::name;
  if (is_same_after([](entry& one) { one.inode = one.offset = 0; })) return cause::offset;
  if (is_same_after([](entry& one) { one.inode = one.device_major = one.device_minor = 0; }))
    return cause::identity;
  if (is_same_after([](entry& one) { one.allowed = {}; })) return cause::permissions;
  return has_more(sampled, modelled) ? cause::missing : cause::surplus;
}

strict_result replay_strictly(const script& of, std::string_view design, std::vector<std::int16_t>* answers) {
  strict_result made;
  made.design = design;
  const sync::rcu::registration here{"strict"};
  if (answers != nullptr) answers->clear();
  designs::with_named(design,
                      [&]<class Design> { strict_replay<address_space<Design>>{of, made}.run(answers); });
  return made;
}

std::size_t settle_expected_answers(script& of) {
  std::vector<std::int16_t> answers;
  const strict_result found = replay_strictly(of, designs::names().front(), &answers);
  for (std::size_t index = 0; index < of.steps.size(); ++index)
    of.steps[index].expected_error = answers[index];
  return found.answers.size();
}

}  // namespace rcuvm::replay
