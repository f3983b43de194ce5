// SPDX-License-Identifier: Apache-2.0

/// Walks over /proc/PID/maps beside changes: G1 to G6.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "explore/scenarios/pages.hpp"

namespace rcuvm::explore {

namespace {

enum class walk_kind : std::uint8_t { chunked, snapshot };

// What a walk may be asked to keep, one bit each.
enum : unsigned { g1 = 1U, g2 = 2U, g3 = 4U, g4 = 8U, g5 = 16U, g6 = 32U, g_all = 63U };

struct line {
  range where;
  vm::protection allowed;
  friend bool operator==(const line&, const line&) = default;
};
using lines = std::vector<line>;

constexpr address spot = here + page_size;  ///< no neighbour to merge with

[[nodiscard]] line line_of(const vm::vma& one) { return {one.where(), one.fields().allowed()}; }

/// A change of one mapping, and where it was and will be:
///
///            below   spot               above  elsewhere
///   up       BB     AAAA                CC     ....          AAAA -> elsewhere
///   down     BB     ....                CC     AAAA          AAAA -> spot
///   split    BB     AAAA                CC                   A.a.A, by mprotect
///   merge    BB     AaAA                CC                   AAAA
///   shrink   BB     AAAA                CC                   AAA
///   expand   BB     AAA                 CC                   AAAA
struct change {
  std::string_view name;
  unsigned breaks;  ///< of a chunked walk
  std::string_view how;
};
constexpr std::array<change, 6> changes{{
    {"up", g6, "mremap upwards: the mapping is printed twice"},
    {"down", g3 | g6,
     "mremap downwards: the mapping is not printed at all, although it is there all the time"},
    {"split", 0, "mprotect of the middle"},
    {"merge", g2 | g6, "mprotect that merges: a piece is printed, and then the whole"},
    {"shrink", 0, "munmap of the end"},
    {"expand", g2 | g6, "mmap behind the mapping: the whole is printed behind its old self"},
}};

template <class Design>
class walked {
 public:
  explicit walked(const change& what) : what_{what.name} {
    const std::uint64_t pages = what_ == "expand" ? 2 : 3;
    in_.map_at(in_.cpu, what_ == "down" ? elsewhere : spot, pages);
    if (what_ == "merge") protect({vm::prot::read});
    before_ = walk(walk_kind::snapshot);
  }

  void make_change(vm::cpu& by) {
    if (what_ == "up") in_.move(by, spot, elsewhere, 3);
    if (what_ == "down") in_.move(by, elsewhere, spot, 3);
    if (what_ == "split") protect({vm::prot::read});
    if (what_ == "merge") protect(read_write);
    if (what_ == "shrink") in_.unmap(by, spot + 2 * page_size);
    if (what_ == "expand") in_.map_at(by, spot + 2 * page_size);
  }

  [[nodiscard]] lines walk(walk_kind how) {
    lines seen;
    const auto print = [&seen](const vm::vma& one) { seen.push_back(line_of(one)); };
    if (how == walk_kind::snapshot) {
      in_.space.walk_snapshot(print);
    } else {
      in_.space.walk_chunked(1, print);
    }
    return seen;
  }

  void check(const lines& seen, unsigned kept) {
    const lines after = walk(walk_kind::snapshot);
    const auto covers = [](const lines& all, address at) {
      return std::ranges::any_of(all, [at](const line& one) { return one.where.contains(at); });
    };
    const auto moved = what_ == "up" || what_ == "down";
    const bool is_printed_somewhere = covers(seen, spot) || covers(seen, elsewhere);
    for (std::size_t i = 1; i < seen.size(); ++i) {
      RCUVM_PROMISE((kept & g1) == 0 || seen[i].where.end > seen[i - 1].where.end,
                    "G1: the walk goes backwards");
      RCUVM_PROMISE((kept & g2) == 0 || seen[i].where.start >= seen[i - 1].where.end,
                    "G2: printed ranges overlap");
    }
    for (address at = 0; at < 0x40000; at += page_size) {
      const bool was = covers(before_, at);
      const bool is = covers(after, at);
      if (was && is)
        RCUVM_PROMISE((kept & g3) == 0 || covers(seen, at),
                      "G3: a hole: what was mapped all the time is not printed");
      if (!was && !is)
        RCUVM_PROMISE((kept & g4) == 0 || !covers(seen, at), "G4: what was never mapped is printed");
    }
    RCUVM_PROMISE((kept & g3) == 0 || !moved || is_printed_somewhere,
                  "G3: a hole: a mapping that was there all the time is not printed");
    for (const line& one : seen) {
      const bool was_true =
          std::ranges::find(before_, one) != before_.end() || std::ranges::find(after, one) != after.end();
      RCUVM_PROMISE((kept & g5) == 0 || was_true, "G5: a line that was never true");
    }
    RCUVM_PROMISE((kept & g6) == 0 || seen == before_ || seen == after, "G6: the walk is of no one version");
  }

  small_space<Design>& in() noexcept { return in_; }

 private:
  void protect(vm::protection to) {
    RCUVM_CHECK(in_.space.protect(in_.cpu, {spot + page_size, spot + 2 * page_size}, to),
                "an mprotect of the scenario");
  }

  std::string_view what_;
  small_space<Design> in_;
  lines before_;
};

struct walk_beside_change {
  change what;
  walk_kind how;
  unsigned kept;

  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [self = *this] {
      const auto of = std::make_unique<walked<Design>>(self.what);
      lines seen;
      together(on_cpu(self.what.name.data(), of->in(), [&of](vm::cpu& by) { of->make_change(by); }),
               world::thread_body{"walk", [&of, &seen, how = self.how] {
                                    const sync::rcu::registration registered{"walk"};
                                    seen = of->walk(how);
                                  }});
      of->check(seen, self.kept);
    };
  }
};

}  // namespace

std::vector<scenario> walk_scenarios() {
  // The scenarios' names live as long as the program.
  static std::vector<std::unique_ptr<std::string>> names;
  const auto keep = [](std::string text) -> std::string_view {
    return *names.emplace_back(std::make_unique<std::string>(std::move(text)));
  };
  std::vector<scenario> made;
  for (const change& each : changes) {
    const std::string name{each.name};
    made.push_back(
        {.name = keep("walk-chunked-" + name),
         .summary = keep("a walk line by line beside " + std::string{each.how.substr(0, each.how.find(':'))} +
                         ": what it keeps"),
         .claim = "G1 to G5",
         .subjects = under_each_design(walk_beside_change{each, walk_kind::chunked, g_all & ~each.breaks},
                                       with_one_preemption)});
    if (each.breaks != 0) {
      made.push_back({.name = keep("walk-torn-" + name),
                      .summary = each.how,
                      .claim = (each.breaks & g3) != 0   ? "G3"
                               : (each.breaks & g2) != 0 ? "G2"
                                                         : "G6",
                      .subjects = under_each_design(walk_beside_change{each, walk_kind::chunked, each.breaks},
                                                    with_one_preemption)});
      for (subject& one : made.back().subjects) {
        one.expected = verdict::fails;
        one.kind = finding_kind::check;
      }
    }
    made.push_back({.name = keep("walk-snapshot-" + name),
                    .summary = keep("a walk over a snapshot beside " +
                                    std::string{each.how.substr(0, each.how.find(':'))}),
                    .claim = "G1 to G6",
                    .subjects = under_each_design(walk_beside_change{each, walk_kind::snapshot, g_all},
                                                  with_one_preemption)});
  }
  return made;
}

}  // namespace rcuvm::explore
