// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/targets.hpp"

#include <initializer_list>

namespace rcuvm::tree_bench {

namespace {

using sizes = std::initializer_list<const char*>;

constexpr const char* us = "rcuvm";

class list_of_targets {
 public:
  /// Against another rival at the same measurement.
  void against(std::string_view group, std::string rival, double most, const std::string& what,
               const std::string& keys, sizes over) {
    for (const char* size : over) {
      const measurement of{what, keys, size};
      made_.push_back({group, {of, us, "ns"}, figure_name{of, rival, "ns"}, most});
    }
  }
  /// Against rcuvm itself, measured in another way.
  void against_own(std::string_view group, double most, const std::string& what, const std::string& other,
                   const std::string& keys, sizes over) {
    for (const char* size : over)
      made_.push_back(
          {group, {{what, keys, size}, us, "ns"}, figure_name{{other, keys, size}, us, "ns"}, most});
  }
  void at_most(std::string_view group, double most, const std::string& what, const std::string& counter,
               sizes over) {
    for (const char* size : over)
      made_.push_back({group, {{what, "", size}, us, counter}, std::nullopt, most});
  }

  [[nodiscard]] std::vector<target> take() && { return std::move(made_); }

 private:
  std::vector<target> made_;
};

std::vector<target> make_targets() {
  const sizes all{"40", "1000", "30000", "128000", "1000000"};
  const sizes middle{"1000", "30000"};
  list_of_targets made;
  made.against("dependent lookup", "static", 1.2, "find_dependent", "uniform", {"40", "1000", "30000"});
  made.against("dependent lookup", "kernel", 0.75, "find_dependent", "uniform", {"1000000"});
  made.against("independent lookup, a section each", "kernel", 1.0 / 5, "find_each", "uniform", middle);
  made.against("independent lookup, one section", "kernel", 1.0 / 7, "find_all", "uniform", middle);
  made.against("overlapped lookups", "static", 1.2, "find_many", "uniform", all);
  made.against_own("lookup beside a busy writer", 1.15, "find_dependent_beside_writer", "find_dependent",
                   "uniform", all);
  made.against_own("lookup beside a busy writer", 1.15, "find_each_beside_writer", "find_each", "uniform",
                   all);
  made.against("store and erase, all costs", "kernel", 0.5, "replace", "", middle);
  made.against_own("transaction of 100 changes", 0.25, "transaction", "replace", "", middle);
  made.against_own("transaction of 100 changes", 0.25, "transaction_near", "replace", "", middle);
  made.at_most("walk, ns an entry", 3, "walk", "ns", {"30000"});
  made.against("search for room", "kernel", 0.7, "lowest_gap", "", all);
  made.against("search for room", "kernel", 0.7, "highest_gap", "", all);
  made.at_most("bytes a range, after random inserts", 20, "bytes", "bytes", {"30000"});
  made.at_most("bytes a range, after random churn", 28, "bytes_worn", "bytes", {"30000"});
  return std::move(made).take();
}

}  // namespace

std::string target::to_text() const {
  std::string text = ours.of.to_text();
  if (!other) return text + ", " + ours.counter;
  if (other->rival == ours.rival) return text + " / " + other->of.what;
  return text + " / " + other->rival;
}

const std::vector<target>& targets() {
  static const std::vector<target> made = make_targets();
  return made;
}

std::vector<judgement> judge(const figures& from) {
  std::vector<judgement> made;
  const auto median = [&](const figure_name& one) { return from.median(one.of, one.rival, one.counter); };
  for (const target& one : targets()) {
    std::optional<double> value = median(one.ours);
    if (value && one.other) {
      const std::optional<double> other = median(*one.other);
      value = other && *other > 0 ? std::optional{*value / *other} : std::nullopt;
    }
    made.push_back({&one, value});
  }
  return made;
}

}  // namespace rcuvm::tree_bench
