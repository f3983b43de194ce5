// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/workload/scenario.hpp"

namespace rcuvm::workload {

namespace {

using nlohmann::json;

constexpr std::array<std::string_view, verb_count> verb_names{
    "map", "unmap", "protect", "drop", "touch", "brk", "walk", "fork", "stay", "spin", "sleep", "exchange"};

template <std::size_t N>
std::size_t index_in(const std::array<std::string_view, N>& names, std::string_view word) {
  const auto found = std::ranges::find(names, word);
  if (found == names.end())
    throw std::runtime_error{fmt::format("\"{}\" is not one of {}", word, fmt::join(names, ", "))};
  return static_cast<std::size_t>(found - names.begin());
}

/// The members of one object. Whatever is not asked for is an error: most likely it is misspelt.
class members {
 public:
  explicit members(const json& of) : of_{of} {
    if (!of.is_object()) throw std::runtime_error{fmt::format("{} is not an object", of.dump())};
  }

  template <class T>
  [[nodiscard]] T take(std::string_view key, std::optional<T> otherwise = std::nullopt) {
    asked_.emplace_back(key);
    const auto found = of_.find(key);
    if (found != of_.end()) {
      if (std::is_unsigned_v<T> && !found->is_number_unsigned())
        throw std::runtime_error{
            fmt::format("\"{}\" is {}, not a whole number from 0 on", key, found->dump())};
      return found->template get<T>();
    }
    if (!otherwise) throw std::runtime_error{fmt::format("\"{}\" is missing in {}", key, of_.dump())};
    return *otherwise;
  }
  template <std::size_t N>
  [[nodiscard]] std::size_t take_word(std::string_view key, const std::array<std::string_view, N>& words) {
    return index_in(words, take<std::string>(key, std::string{words.front()}));
  }
  [[nodiscard]] json take_list(std::string_view key) { return take<json>(key, json::array()); }

  void finish() const {
    for (const auto& [key, value] : of_.items()) {
      if (std::ranges::find(asked_, key) == asked_.end())
        throw std::runtime_error{
            fmt::format("\"{}\" has no meaning here; known: {}", key, fmt::join(asked_, ", "))};
    }
  }

 private:
  const json& of_;
  std::vector<std::string> asked_;
};

std::uint64_t at_least_one(std::uint64_t value, std::string_view what) {
  if (value == 0) throw std::runtime_error{fmt::format("\"{}\" is 0", what)};
  return value;
}

step parse_step(const json& from, std::vector<std::string>& regions) {
  members of{from};
  step made;
  made.what = static_cast<verb>(index_in(verb_names, of.take<std::string>("do")));
  const auto region = [&](bool may_be_new) {
    const auto name = of.take<std::string>("region", "it");
    const auto found = std::ranges::find(regions, name);
    made.region = static_cast<std::size_t>(found - regions.begin());
    if (found != regions.end()) return;
    if (!may_be_new) throw std::runtime_error{fmt::format("no step before maps the region \"{}\"", name)};
    regions.push_back(name);
  };
  switch (made.what) {
    case verb::map:
      region(true);
      made.pages = at_least_one(of.take<std::uint64_t>("pages"), "pages");
      made.memory = static_cast<memory>(
          of.take_word("of", std::array<std::string_view, 3>{"memory", "private file", "shared file"}));
      made.at = static_cast<place>(
          of.take_word("at", std::array<std::string_view, 3>{"anywhere", "own", "shared"}));
      break;
    case verb::unmap:
    case verb::drop:
    case verb::exchange: region(false); break;
    case verb::protect:
      region(false);
      made.is_writable = of.take_word("to", std::array<std::string_view, 2>{"read", "write"}) == 1;
      break;
    case verb::touch:
      region(false);
      made.is_write = of.take_word("for", std::array<std::string_view, 2>{"read", "write"}) == 1;
      made.pages = of.take<std::uint64_t>("random", 0);
      made.is_random = made.pages != 0;
      break;
    case verb::brk: made.grows = of.take<std::int64_t>("pages"); break;
    case verb::walk:
      made.is_snapshot = of.take_word("of", std::array<std::string_view, 2>{"chunks", "snapshot"}) == 1;
      break;
    case verb::fork: break;
    case verb::stay:
    case verb::spin:
    case verb::sleep: made.nanoseconds = of.take<std::uint64_t>("ns"); break;
  }
  of.finish();
  return made;
}

thread_group parse_group(const json& from) {
  members of{from};
  thread_group made;
  made.name = of.take<std::string>("name");
  if (const auto count = of.take<std::uint64_t>("count", 0); count != 0)
    made.count = static_cast<unsigned>(count);
  for (const json& each : of.take_list("setup")) made.setup.push_back(parse_step(each, made.regions));
  for (const json& each : of.take_list("loop")) made.loop.push_back(parse_step(each, made.regions));
  if (made.loop.empty()) throw std::runtime_error{fmt::format("the threads \"{}\" have no loop", made.name)};
  of.finish();
  return made;
}

}  // namespace

std::string_view name_of(verb what) noexcept { return verb_names[static_cast<std::size_t>(what)]; }

scenario parse(std::string_view text, const std::string& from) try {
  const json all = json::parse(text);
  members of{all};
  scenario made;
  made.name = of.take<std::string>("name");
  made.source = of.take<std::string>("source");
  made.what = of.take<std::string>("what");
  for (const json& each : of.take_list("threads")) made.groups.push_back(parse_group(each));
  if (made.groups.empty()) throw std::runtime_error{"it has no threads"};
  of.finish();
  return made;
} catch (const json::exception& wrong) {
  throw std::runtime_error{fmt::format("{}: {}", from, wrong.what())};
} catch (const std::runtime_error& wrong) {
  throw std::runtime_error{fmt::format("{}: {}", from, wrong.what())};
}

}  // namespace rcuvm::workload
