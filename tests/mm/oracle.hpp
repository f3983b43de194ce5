// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an address space must look like, page by page: a map of pages, and no mappings, trees or tables.
///
/// It cannot know where one mapping ends and the next begins. Where that decides (mremap), or where a search decides (placing),
/// it takes the outcome from the address space under test and checks what follows from it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tests/mm/calls.hpp"

namespace rcuvm::mm::testing {

/// A file, or the pages of a shared anonymous mapping: the character that each page begins with.
using page_object = std::map<std::int64_t, char>;

class oracle {
 public:
  explicit oracle(std::shared_ptr<page_object> file) : file_{std::move(file)} {}

  /// Does what `wanted` asks for. `got` is what the address space made of it, and `around` the mappings that its range met;
  /// the answer is what it should have been.
  std::string perform(const call& wanted, const std::string& got, extent around) {
    const auto first = wanted.first;
    const auto end = wanted.end;
    const bool is_beyond = end > static_cast<std::int64_t>(arena_pages);
    switch (wanted.what) {
      case verb::map:
        if (first == end) return "EINVAL";
        if (is_beyond) return "ENOMEM";
        return put(first, end, wanted.is);
      case verb::map_new:
        if (first == end) return "EINVAL";
        if (is_beyond) return "ENOMEM";
        return is_free(first, end) ? put(first, end, wanted.is) : "EEXIST";
      case verb::place: return place(wanted, got);
      case verb::unmap:
        if (first == end || is_beyond) return "EINVAL";
        take_out(first, end);
        return "ok";
      case verb::protect: return protect(first, end, wanted.protection);
      case verb::move:
      case verb::duplicate:
      case verb::resize: return remap(wanted, got, around);
      case verb::brk: return brk(wanted, got);
      case verb::dontneed: return dontneed(first, end);
      case verb::flag: return flag(first, end, wanted.advice);
      case verb::lock: return lock(first, end);
      case verb::unlock:
        return each_until_hole(first, end, [](page& one) { one.is_locked = false; }) ? "ok" : "ENOMEM";
      case verb::write: return write(first, wanted.is);
      case verb::read: return read(first).second;
    }
    return "";
  }

  [[nodiscard]] oracle fork() const {
    oracle child{file_};
    child.break_ = break_;
    for (auto [at, one] : pages_) {
      if (one.is_not_forked) continue;
      one.is_locked = false;
      if (one.is_wiped) one.own.reset();
      child.pages_.emplace(at, one);
    }
    return child;
  }

  /// As process::text().
  [[nodiscard]] std::string text() {
    std::string shown;
    for (std::int64_t at = 0; at < static_cast<std::int64_t>(picture_pages); ++at) shown += read(at).first;
    shown.erase(shown.find_last_not_of('.') + 1);
    return shown;
  }

 private:
  struct page {
    vm::protection allowed = {};
    bool is_private = true;
    std::shared_ptr<page_object> object = {};  ///< null: anonymous and private
    std::int64_t index = 0;                    ///< in the object
    std::int64_t object_pages = 0;
    std::optional<char> own = {};  ///< what was written to a private page
    bool is_locked = false, is_not_forked = false, is_wiped = false;
  };

  [[nodiscard]] bool is_free(std::int64_t first, std::int64_t end) const {
    const auto next = pages_.lower_bound(first);
    return next == pages_.end() || next->first >= end;
  }
  void take_out(std::int64_t first, std::int64_t end) {
    pages_.erase(pages_.lower_bound(first), pages_.lower_bound(end));
  }

  std::string put(std::int64_t first, std::int64_t end, char is) {
    take_out(first, end);
    auto nameless = std::make_shared<page_object>();
    for (std::int64_t at = first; at < end; ++at) {
      page made{.allowed = can_write};
      if (std::isupper(static_cast<unsigned char>(is)) == 0) {
        const bool is_shared = std::isdigit(static_cast<unsigned char>(is)) != 0;
        made.is_private = !is_shared;
        made.object = file_;
        made.index = is - (is_shared ? '0' : 'a') + at - first;
        made.object_pages = 26;
      } else if (is == 'S') {
        made.is_private = false;
        made.object = nameless;
        made.index = at - first;
        made.object_pages = end - first;
      } else {
        made.allowed = letter_of(is).protection;
      }
      pages_.emplace(at, made);
    }
    return "ok";
  }

  /// False: there was a hole. Pages before it are done.
  template <class F>
  bool each_until_hole(std::int64_t first, std::int64_t end, F f) {
    for (std::int64_t at = first; at < end; ++at) {
      const auto one = pages_.find(at);
      if (one == pages_.end()) return false;
      f(one->second);
    }
    return true;
  }

  std::string protect(std::int64_t first, std::int64_t end, vm::protection to) {
    for (std::int64_t at = first; at < end; ++at) {
      const auto one = pages_.find(at);
      if (one == pages_.end()) return "ENOMEM";
      one->second.allowed = to;
      if (one->second.is_locked) take_own(at);
    }
    return "ok";
  }

  /// A private page that may be written gets its copy now, not at the first write.
  void take_own(std::int64_t at) {
    page& here = pages_.at(at);
    if (!here.is_private || !here.allowed.has(vm::prot::write)) return;
    if (const auto [shown, came_of_it] = read(at); came_of_it == "ok") here.own = shown;
  }

  std::string place(const call& wanted, const std::string& got) {
    if (wanted.first == wanted.end) return "EINVAL";
    if (!got.starts_with("ok ")) return "ENOMEM";
    const std::int64_t at = std::stoll(got.substr(3));
    const std::int64_t count = wanted.end - wanted.first;
    const bool had_room =
        wanted.end <= static_cast<std::int64_t>(arena_pages) && is_free(wanted.first, wanted.end);
    if (had_room && at != wanted.first) return "the hint is free";
    if (!is_free(at, at + count)) return "not onto a mapping";
    put(at, at + count, wanted.is);
    return got;
  }

  std::string remap(const call& wanted, const std::string& got, extent around) {
    const bool copies =
        wanted.what == verb::duplicate || (wanted.what == verb::move && wanted.first == wanted.end);
    if (copies && got == "EFAULT" && wanted.to == wanted.first && pages_.contains(wanted.first)) {
      take_out(wanted.to, wanted.to_end);  // onto itself: the target goes first
    }
    const bool is_well_formed = !wanted.flags.has(remap_flag::dont_unmap) && wanted.to < wanted.to_end &&
                                wanted.to_end <= static_cast<std::int64_t>(arena_pages) &&
                                (wanted.to_end <= wanted.first || wanted.end <= wanted.to);
    if (wanted.what == verb::move && !copies && is_well_formed && got == "EINVAL" &&
        pages_.contains(wanted.first)) {
      take_out(wanted.to, wanted.to_end);  // it ends beyond all addresses, which is seen after that
    }
    if (!got.starts_with("ok")) return got;  // only the designs can be compared
    const bool is_resize = wanted.what == verb::resize;
    const std::int64_t to = is_resize ? std::stoll(got.substr(3)) : wanted.to;
    const std::int64_t to_end = to + wanted.to_end - wanted.to;
    const std::int64_t old_end = wanted.what == verb::duplicate ? wanted.first : wanted.end;
    const auto source = pages_.find(wanted.first);
    if (source == pages_.end()) return "EFAULT";
    if (is_resize && to_end <= to + old_end - wanted.first) {  // may cover holes and several mappings
      take_out(wanted.first + to_end - to, old_end);
      return to == wanted.first ? got : "a mapping shrinks where it is";
    }
    const bool only_moves = wanted.what == verb::move && to_end - to == old_end - wanted.first;
    page next = source->second;  // of the same mapping: what its growth looks like
    std::map<std::int64_t, page> moved;
    for (std::int64_t at = to; at < to_end; ++at, ++next.index) {
      const std::int64_t from = wanted.first + at - to;
      page one = next;
      one.own.reset();
      if (from < old_end) {
        const auto was = pages_.find(from);
        if (was == pages_.end() && only_moves) continue;
        if (was == pages_.end()) return "EFAULT";
        one = was->second;
      }
      moved.emplace(at, one);
    }
    const bool keeps_old =
        wanted.what == verb::move && wanted.flags.has(remap_flag::dont_unmap) && wanted.first != wanted.end;
    if (keeps_old) {
      for (std::int64_t at = around.first; at < around.end; ++at) {
        const auto left = pages_.find(at);
        if (left == pages_.end()) continue;
        left->second.is_locked = false;  // of the whole mapping, however little has moved
        if (wanted.first <= at && at < old_end) left->second.own.reset();
      }
    } else {
      take_out(wanted.first, old_end);
    }
    if (is_resize && !is_free(to, to_end)) return "not onto a mapping";
    if (!only_moves) take_out(to, to_end);
    for (auto& [at, one] : moved) {
      pages_.insert_or_assign(at, std::move(one));
      if (at - to >= old_end - wanted.first && pages_.at(at).is_locked) take_own(at);
    }
    return got;
  }

  std::string brk(const call& wanted, const std::string& got) {
    const std::int64_t to = heap_page + wanted.end - wanted.first;  // the break lies within the page before
    if (got != "ok " + std::to_string(to - 1))
      return to > break_ || is_free(to, break_) ? got : "it may always shrink when there is something";
    if (to > break_) {
      if (!is_free(break_, to)) return "not onto a mapping";
      put(break_, to, 'A');
    } else {
      take_out(to, break_);
    }
    break_ = to;
    return got;
  }

  std::string dontneed(std::int64_t first, std::int64_t end) {
    bool has_hole = false;
    for (std::int64_t at = first; at < end; ++at) {
      const auto one = pages_.find(at);
      has_hole |= one == pages_.end();
      if (one == pages_.end()) continue;
      if (one->second.is_locked) return "EINVAL";
      one->second.own.reset();
    }
    return has_hole ? "ENOMEM" : "ok";
  }

  std::string flag(std::int64_t first, std::int64_t end, int advice) {
    bool has_hole = false;
    for (std::int64_t at = first; at < end; ++at) {
      const auto one = pages_.find(at);
      has_hole |= one == pages_.end();
      if (one == pages_.end()) continue;
      page& here = one->second;
      if (advice == MADV_WIPEONFORK && (here.object || !here.is_private)) return "EINVAL";
      if (advice == MADV_DONTFORK || advice == MADV_DOFORK) here.is_not_forked = advice == MADV_DONTFORK;
      if (advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK) here.is_wiped = advice == MADV_WIPEONFORK;
    }
    return has_hole ? "ENOMEM" : "ok";
  }

  std::string lock(std::int64_t first, std::int64_t end) {
    if (!each_until_hole(first, end, [](page& one) { one.is_locked = true; })) return "ENOMEM";
    for (std::int64_t at = first; at < end; ++at) {
      if (read(at).second != "ok") return "ENOMEM";
      take_own(at);
    }
    return "ok";
  }

  std::string write(std::int64_t at, char is) {
    const auto one = pages_.find(at);
    if (one == pages_.end()) return "EFAULT";
    page& here = one->second;
    if (!here.allowed.has(vm::prot::write)) return "EACCES";
    if (here.object && here.index >= here.object_pages) return "EFAULT";
    if (here.is_private) {
      here.own = is;
    } else {
      (*here.object)[here.index] = is;
    }
    return "ok";
  }

  /// The character to be shown, and the outcome.
  std::pair<char, std::string> read(std::int64_t at) {
    const auto one = pages_.find(at);
    if (one == pages_.end()) return {'.', "EFAULT"};
    const page& here = one->second;
    if (here.allowed.is_empty()) return {'-', "EACCES"};
    if (here.own) return {*here.own, "ok"};
    if (!here.object) return {'0', "ok"};
    if (here.index >= here.object_pages) return {'.', "EFAULT"};
    const auto written = here.object->find(here.index);
    return {written == here.object->end() ? '0' : written->second, "ok"};
  }

  std::shared_ptr<page_object> file_;
  std::map<std::int64_t, page> pages_;
  std::int64_t break_ = heap_page;
};

}  // namespace rcuvm::mm::testing
