// SPDX-License-Identifier: Apache-2.0
#include "explore/story/frames.hpp"

#include <fmt/format.h>
#include <link.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>

#include "explore/story/source.hpp"

namespace rcuvm::explore {

namespace {

/// Where the program itself lies in memory.
struct loaded {
  std::uintptr_t load_address = 0;
  std::uintptr_t first = 0;
  std::uintptr_t end = 0;
};

loaded find_program() {
  loaded found;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* into) {
        loaded& made = *static_cast<loaded*>(into);
        made = {.load_address = info->dlpi_addr, .first = UINTPTR_MAX};
        for (int i = 0; i != info->dlpi_phnum; ++i) {
          const auto& part = info->dlpi_phdr[i];
          if (part.p_type != PT_LOAD) continue;
          made.first = std::min(made.first, made.load_address + part.p_vaddr);
          made.end = std::max(made.end, made.load_address + part.p_vaddr + part.p_memsz);
        }
        return 1;  // the first is the program
      },
      &found);
  return found;
}

/// The call before a return address, from the load address; nothing: of a shared library.
std::optional<std::uintptr_t> address_of_call(const void* return_address) {
  static const loaded program = find_program();
  const std::uintptr_t call = reinterpret_cast<std::uintptr_t>(return_address) - 1;
  if (call < program.first || call >= program.end) return std::nullopt;
  return call - program.load_address;
}

/// What a program prints. Nothing: it cannot be run.
std::optional<std::string> output_of(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addclose(&actions, ends[0]);
  ::posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<char*> arguments;
  for (const std::string& one : command) arguments.push_back(const_cast<char*>(one.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string text;
  std::array<char, 8192> part{};
  for (ssize_t got = 0; failed == 0 && (got = ::read(ends[0], part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = -1;
  if (failed == 0) ::waitpid(child, &status, 0);
  if (status != 0) return std::nullopt;
  return text;
}

bool is_plumbing(std::string_view file) {
  static constexpr std::array<std::string_view, 8> folders{"include/rcuvm/sync/",
                                                           "src/sync/",
                                                           "explore/engine/",
                                                           "explore/search/",
                                                           "explore/explorer.",
                                                           "explore/scenarios/scenario.hpp",
                                                           "/",
                                                           "include/rcuvm/base/check.hpp"};
  return file.empty() ||
         std::ranges::any_of(folders, [&](std::string_view one) { return file.starts_with(one); });
}

bool is_of_sync(std::string_view file) {
  return file.starts_with("include/rcuvm/sync/") || file.starts_with("src/sync/");
}

frame make_frame(std::string_view function, std::string_view place) {
  frame made;
  if (function != "??") made.function = function;
  place = place.substr(0, place.find(" (discriminator"));
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos || place.starts_with("??")) return made;
  const std::string_view digits = place.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), made.line);
  if (made.line == 0) return made;
  made.file = from_root(place.substr(0, colon));
  made.is_plumbing = is_plumbing(made.file);
  return made;
}

/// addr2line -afi: an address, then two lines for each of its frames.
void read_frames(std::string_view text, std::map<std::uintptr_t, std::vector<frame>>& into) {
  std::vector<frame>* frames = nullptr;
  std::string_view function;
  bool has_function = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!has_function && line.starts_with("0x")) {
      std::uintptr_t address = 0;
      std::from_chars(line.data() + 2, line.data() + line.size(), address, 16);
      frames = &into[address];
    } else if (!has_function) {
      function = line;
      has_function = true;
    } else {
      if (frames != nullptr) frames->push_back(make_frame(function, line));
      has_function = false;
    }
  }
}

/// addr2line gives an inlined innermost frame the name of the symbol around it, which is the outermost frame's.
void forget_wrong_name(std::vector<frame>& of) {
  if (of.size() < 2 || of.front().function.empty()) return;
  if (short_function(of.front().function) == short_function(of.back().function)) of.front().function.clear();
}

/// The end of what opens at `at`: behind the bracket that closes it.
std::size_t behind_bracket(std::string_view text, std::size_t at) {
  const char open = text[at];
  const char close = open == '(' ? ')' : '>';
  int depth = 0;
  for (; at != text.size(); ++at) {
    if (text[at] == open) ++depth;
    if (text[at] == close && text[at - 1] != '-' && --depth == 0) return at + 1;
  }
  return at;
}

void erase_all(std::string& text, std::string_view what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;) text.erase(at, what.size());
}

}  // namespace

void call_frames::add(const call_stack& stack) {
  for (const void* each : stack) {
    if (each == nullptr) break;
    if (const auto call = address_of_call(each)) wanted_.insert(*call);
  }
}

bool call_frames::resolve() {
  constexpr std::size_t at_once = 4000;  // well below the limit of a command line
  std::vector<std::uintptr_t> left(wanted_.begin(), wanted_.end());
  wanted_.clear();
  has_lines_ = true;
  while (!left.empty() && has_lines_) {
    std::vector<std::string> command{"addr2line", "-aCfi", "-e",
                                     std::filesystem::read_symlink("/proc/self/exe")};
    const std::size_t kept = left.size() - std::min(left.size(), at_once);
    for (std::size_t i = kept; i != left.size(); ++i) command.push_back(fmt::format("{:x}", left[i]));
    left.resize(kept);
    const auto text = output_of(command);
    if (text) read_frames(*text, known_);
    has_lines_ = text.has_value();
  }
  for (auto& [address, frames] : known_) forget_wrong_name(frames);
  return has_lines_;
}

std::vector<frame> call_frames::frames_of(const call_stack& stack) const {
  std::vector<frame> made;
  for (const void* each : stack) {
    if (each == nullptr) break;
    const auto call = address_of_call(each);
    if (!call) continue;
    if (const auto found = known_.find(*call); found != known_.end()) {
      made.insert(made.end(), found->second.begin(), found->second.end());
    } else {
      made.push_back(
          {.function = fmt::format("{:#x}", *call), .file = {}, .line = 0, .is_plumbing = has_lines_});
    }
  }
  return made;
}

std::vector<frame> call_frames::own_frames_of(const call_stack& stack) const {
  const std::vector<frame> all = frames_of(stack);
  std::vector<frame> made;
  std::ranges::copy_if(all, std::back_inserter(made), [](const frame& one) { return !one.is_plumbing; });
  if (!made.empty()) return made;
  // The last call of a function may have taken its frame's place: then sync is the nearest that there is.
  std::ranges::copy_if(all, std::back_inserter(made), [](const frame& one) { return is_of_sync(one.file); });
  return made;
}

frame call_frames::place_of(const call_stack& stack) const {
  const std::vector<frame> own = own_frames_of(stack);
  return own.empty() || own.front().file.empty() ? frame{} : own.front();
}

std::string short_function(std::string_view demangled) {
  std::string text{demangled};
  erase_all(text, "(anonymous namespace)::");
  std::string bare;
  for (std::size_t at = 0; at < text.size();) {
    const bool is_operator = bare.ends_with("operator");
    if (is_operator && text.compare(at, 2, "()") == 0) {
      bare += "()";
      at += 2;
    } else if (!is_operator && (text[at] == '<' || text[at] == '(')) {
      at = behind_bracket(text, at);
    } else {
      bare += text[at++];
    }
  }
  bare.resize(std::min(bare.size(), bare.find(" [clone")));
  if (bare.ends_with(" const")) bare.resize(bare.size() - std::string_view{" const"}.size());
  // A lambda's member function: what is const is the function around it.
  for (std::size_t at = 0; (at = bare.find(" const::", at)) != std::string::npos;) bare.erase(at, 6);
  erase_all(bare, "rcuvm::explore::");
  erase_all(bare, "rcuvm::");
  erase_all(bare, "::operator()");
  const std::size_t last_space = bare.rfind(' ');
  if (last_space != std::string::npos && bare.find("operator ") == std::string::npos)
    bare.erase(0, last_space + 1);
  return bare;
}

std::string allocated_type(const std::vector<frame>& frames) {
  for (const frame& each : frames) {
    for (const std::string_view maker : {"make<", "make_unique<", "make_shared<", "allocator<"}) {
      const std::size_t at = each.function.find(maker);
      if (at == std::string::npos) continue;
      const std::size_t first = at + maker.size();
      int depth = 0;
      std::size_t end = first;
      for (; end != each.function.size(); ++end) {
        const char here = each.function[end];
        if (depth == 0 && (here == ',' || here == '>')) break;
        depth += here == '<' || here == '(' ? 1 : here == '>' || here == ')' ? -1 : 0;
      }
      std::string type = short_function(std::string_view{each.function}.substr(first, end - first));
      if (!type.empty()) return maker == "allocator<" ? type + "[]" : type;
    }
    if (!each.is_plumbing) break;
  }
  return {};
}

}  // namespace rcuvm::explore
