// SPDX-License-Identifier: Apache-2.0
#include <boost/icl/interval_map.hpp>
#include <functional>

#include "bench/tree/entry.hpp"
#include "bench/tree/rivals/shared_mutex.hpp"

namespace rcuvm::tree_bench {

namespace {

class icl_map : public loops<icl_map> {
  using interval = boost::icl::right_open_interval<std::uint64_t>;
  using map = boost::icl::interval_map<std::uint64_t, const record*, boost::icl::partial_absorber, std::less,
                                       boost::icl::inplace_plus, boost::icl::inter_section, interval>;

 public:
  static constexpr std::string_view name = "icl_map";
  static constexpr std::string_view what = "boost::icl::interval_map behind a std::shared_mutex";

  struct reading {
    explicit reading(const icl_map& of) : guard{of.lock_}, in{of.map_} {}
    shared_guard guard;
    const map& in;
  };
  struct writing {
    explicit writing(icl_map& of) : guard{of.lock_}, to{of.map_} {}
    exclusive_guard guard;
    map& to;
  };

  [[nodiscard]] static const record* find(const reading& here, std::uint64_t key) {
    const auto at = here.in.find(key);
    return at != here.in.end() ? at->second : nullptr;
  }
  template <class F>
  static void for_each(const reading& here, F each) {
    for (const auto& [where, found] : here.in) each(found, range{where.lower(), where.upper()});
  }
  static void store(writing& writing, const record& one) {
    writing.to.insert({interval{one.where.start, one.where.end}, &one});
  }
  static void erase(writing& writing, const record& one) {
    writing.to.erase(interval{one.where.start, one.where.end});
  }
  static void commit(writing&) noexcept {}  // the lock's end
  static void drain() noexcept {}

  /// Its allocator cannot be told which map it works for: a node of the std::map inside is counted instead.
  [[nodiscard]] std::size_t bytes() const {
    const reading here{*this};
    return here.in.iterative_size() * sizeof(std::_Rb_tree_node<std::pair<const interval, const record*>>);
  }

 private:
  map map_;
  mutable shared_mutex lock_;
};

}  // namespace

rival_entry icl_map_entry() { return entry_of<icl_map>(); }

}  // namespace rcuvm::tree_bench
