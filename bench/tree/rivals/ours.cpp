// SPDX-License-Identifier: Apache-2.0

/// rcuvm::maple_tree, as it is installed: nothing here is compiled for this machine's CPU.

#include <stdexcept>
#include <utility>

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/rivals.hpp"
#include "rcuvm/maple_tree.hpp"

namespace rcuvm::tree_bench {

namespace {

class ours : public loops<ours> {
 public:
  static constexpr std::string_view name = "rcuvm";
  static constexpr std::string_view what = "rcuvm::maple_tree, read under RCU; its nodes freed by limbo";

  class reading {
   public:
    explicit reading(const ours& of) noexcept : view_{of.tree_.read(section_)} {}

   private:
    friend ours;
    sync::rcu::read_section section_;
    maple_tree<const record>::view view_;
  };

  class writing {
   public:
    explicit writing(ours& to) noexcept : section_{throttled(to.lock_)}, change_{to.tree_.begin(section_)} {}

   private:
    friend ours;
    static sync::mutex& throttled(sync::mutex& lock) noexcept {
      reclaim::limbo::process().throttle();
      return lock;
    }

    sync::write_section section_;
    maple_tree<const record>::transaction change_;
  };

  [[nodiscard]] static const record* find(const reading& here, std::uint64_t key) noexcept {
    return here.view_.find(key);
  }

  template <class F>
  static void for_each(const reading& here, F each) {
    for (const auto& [where, value] : here.view_) each(value, where);
  }

  static void store(writing& to, const record& one) { expect(to.change_.store(one.where, &one)); }
  static void erase(writing& to, const record& one) { expect(to.change_.erase(one.where)); }
  static void commit(writing& to) noexcept { to.change_.commit(); }

  void find_many(keys wanted, std::span<const record*> found) const noexcept {
    const reading here{*this};
    here.view_.find_many(wanted, found);
  }

  [[nodiscard]] std::uint64_t find_gaps(gap_side side, std::span<const gap_request> wanted,
                                        std::uint64_t* starts) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const reading here{*this};
      const auto found = side == gap_side::lowest ? here.view_.lowest_gap(wanted[i].size, wanted[i].within)
                                                  : here.view_.highest_gap(wanted[i].size, wanted[i].within);
      const std::uint64_t start = found ? found->start : no_gap;
      if (starts != nullptr) starts[i] = start;
      sum += start;
    }
    return sum;
  }

  static void drain() noexcept { reclaim::limbo::process().drain(); }

  [[nodiscard]] std::size_t bytes() const noexcept {
    const reading here{*this};
    return here.view_.shape().bytes;
  }

 private:
  static void expect(const result<void>& done) {
    if (!done) throw std::runtime_error{"rcuvm::maple_tree: " + std::string{done.error().name()}};
  }

  sync::mutex lock_;
  maple_tree<const record> tree_;
};

}  // namespace

rival_entry ours_entry() { return entry_of<ours>(); }

}  // namespace rcuvm::tree_bench
