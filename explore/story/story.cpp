// SPDX-License-Identifier: Apache-2.0
#include "explore/story/story.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "explore/story/frames.hpp"
#include "explore/story/names.hpp"
#include "explore/story/source.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::size_t most_plain_touches = 24;
constexpr std::uint32_t small_object = 64;  // bytes: all of it is told, of a larger one the word in question
constexpr std::size_t most_leaks = 8;

std::string_view name_of(order with) {
  static constexpr std::array<std::string_view, 5> names{"relaxed", "acquire", "release", "acq_rel",
                                                         "seq_cst"};
  return names[static_cast<std::size_t>(with)];
}

/// In two passes: first everything is told with numbers of stacks, then one addr2line answers for all of them.
class teller {
 public:
  teller(const replayed& run, telling how) : found_{run.found}, told_{run.told}, how_{how}, names_{told_} {}

  story tell() {
    made_.threads = told_.names;
    made_.kind = found_.kind;
    tell_rows();
    made_.what = without_root(names_.translate(found_.what));
    tell_end();
    tell_stacks();
    // Objects last: by now all are mentioned.
    for (const arena::object* each : names_.mentioned()) {
      made_.objects.push_back({.name = names_.name_of(each->where.first),
                               .bytes = each->where.end - each->where.first,
                               .allocated_by = thread_name(each->allocated_by),
                               .freed_by = each->freed_by < 0 ? "" : thread_name(each->freed_by)});
    }
    find_lines();
    return std::move(made_);
  }

 private:
  [[nodiscard]] std::string thread_name(int thread) const {
    const auto index = static_cast<std::size_t>(thread);
    return thread >= 0 && index < told_.names.size() ? told_.names[index] : "nobody";
  }

  // --- rows ---

  [[nodiscard]] bool is_shown(const traced_step& step) const {
    if (how_ == telling::whole) return true;
    return !step.is_quiet && !(step.thread == 0 && step.what == operation::join);
  }

  void add_row(story::row::kind kind, int thread, std::string what, std::uint32_t stack,
               std::size_t number = 0) {
    made_.rows.push_back({.what_kind = kind, .number = number, .thread = thread, .what = std::move(what)});
    stacks_of_rows_.push_back(stack);
  }

  void tell_rows() {
    std::vector<const plain_touch*> touches = plain_touches_of_finding();
    auto touch = touches.begin();
    for (std::size_t i = 0; i != told_.steps.size(); ++i) {
      for (; touch != touches.end() && (*touch)->steps_before <= i; ++touch) add_plain(**touch);
      if (!is_shown(told_.steps[i])) continue;
      add_row(story::row::kind::step, told_.steps[i].thread, text_of(told_.steps[i]), told_.steps[i].stack,
              i + 1);
    }
    for (; touch != touches.end(); ++touch) add_plain(**touch);
  }

  void add_plain(const plain_touch& touch) {
    add_row(story::row::kind::plain, touch.thread,
            fmt::format("{} {}", touch.is_write ? "write" : "read", names_.name_of(touch.where.first)),
            touch.stack);
  }

  /// The last ones, and of one source line after another only one.
  [[nodiscard]] std::vector<const plain_touch*> plain_touches_of_finding() const {
    std::vector<const plain_touch*> made;
    const arena::object* const it = names_.find(found_.object);
    if (it == nullptr) return made;
    const bool is_small = it->where.end - it->where.first <= small_object;
    const std::uint32_t word = found_.object & ~7U;
    const span_of_bytes about = is_small ? it->where : span_of_bytes{word, word + 8};
    for (const plain_touch& each : told_.plain) {
      if (!each.where.overlaps(about)) continue;
      const bool goes_on = !made.empty() && made.back()->thread == each.thread &&
                           made.back()->steps_before == each.steps_before &&
                           made.back()->is_write == each.is_write &&
                           made.back()->where.first == each.where.first;
      if (!goes_on) made.push_back(&each);
    }
    if (made.size() > most_plain_touches) {
      made.erase(made.begin(), made.end() - static_cast<std::ptrdiff_t>(most_plain_touches));
    }
    return made;
  }

  std::string text_of(const traced_step& step) {
    const std::string object = names_.name_of(step.where.first);
    const std::string value = step.has_value ? names_.value_text(step.value) : "?";
    const std::string name{explore::name_of(step.what)};
    switch (step.what) {
      case operation::load: return fmt::format("load {} → {}, {}", object, value, name_of(step.with));
      case operation::store:
      case operation::update: return fmt::format("{} {} ← {}, {}", name, object, value, name_of(step.with));
      case operation::lock:
      case operation::unlock: return fmt::format("{}{} {}", name, step.is_shared ? " shared" : "", object);
      case operation::try_lock:
        return fmt::format("{}{} {}{}", name, step.is_shared ? " shared" : "", object,
                           !step.has_value   ? ""
                           : step.value != 0 ? " → taken"
                                             : " → busy");
      case operation::join:
        return fmt::format("join {}", thread_name(static_cast<int>(step.where.first) - 16));
      case operation::choose: return fmt::format("waiter {} is chosen", step.value);
      default: return object.empty() ? name : name + " " + object;
    }
  }

  // --- the end ---

  [[nodiscard]] std::vector<const traced_step*> waiting() const {
    std::vector<const traced_step*> made;
    for (const traced_step& each : told_.next) {
      if (each.stack != 0 && (each.thread != 0 || each.what != operation::join)) made.push_back(&each);
    }
    return made;
  }

  void tell_end() {
    if (found_.kind == finding_kind::deadlock) {
      for (const traced_step* each : waiting()) {
        add_row(story::row::kind::end, each->thread, "waits: " + text_of_wait(*each), each->stack);
      }
    } else if (found_) {
      add_row(story::row::kind::end, told_.last_thread, std::string{explore::name_of(found_.kind)},
              told_.last_stack);
    }
  }

  std::string text_of_wait(const traced_step& step) {
    const std::string object = names_.name_of(step.where.first);
    const std::string name{explore::name_of(step.what)};
    return object.empty() ? name : name + " " + object;
  }

  void add_stack(std::string title, std::uint32_t stack) {
    if (stack == 0) return;
    made_.stacks.push_back({.title = std::move(title), .frames = {}});
    stacks_of_sections_.push_back(stack);
  }

  /// Whom the finding names beside the thread that ran: "... frees what NAME uses: ...", "... of NAME are unordered".
  [[nodiscard]] int other_thread() const {
    for (std::size_t i = 0; i != told_.names.size(); ++i) {
      if (static_cast<int>(i) == told_.last_thread) continue;
      const bool is_named = found_.what.find(" what " + told_.names[i] + " uses:") != std::string::npos ||
                            found_.what.ends_with(" of " + told_.names[i] + " are unordered");
      if (is_named) return static_cast<int>(i);
    }
    return -1;
  }

  /// Its last touch of the word in question.
  [[nodiscard]] const plain_touch* other_touch(bool only_writes) const {
    const span_of_bytes word{found_.object & ~3U, (found_.object & ~3U) + 4};
    const int other = other_thread();
    for (auto each = told_.plain.rbegin(); each != told_.plain.rend(); ++each) {
      if (each->thread != other || !each->where.overlaps(word)) continue;
      if (!only_writes || each->is_write) return &*each;
    }
    return nullptr;
  }

  void tell_stacks() {
    const std::string last = thread_name(told_.last_thread);
    const arena::object* const it = names_.find(found_.object);
    const std::string name = it != nullptr ? names_.name_of(it->where.first) : "";
    switch (found_.kind) {
      case finding_kind::use_after_free:
        if (it != nullptr && it->now == arena::state::live) {
          if (const plain_touch* used = other_touch(false)) {
            add_stack(fmt::format("{} is used by {}", name, thread_name(used->thread)), used->stack);
          }
          add_stack(fmt::format("{} is freed by {}, unordered after that use", name, last), told_.last_stack);
        } else {
          add_stack(fmt::format("{} is touched by {} after its free", names_.name_of(found_.object), last),
                    told_.last_stack);
          if (it != nullptr)
            add_stack(fmt::format("{} was freed by {}", name, thread_name(it->freed_by)), it->free_stack);
        }
        break;
      case finding_kind::double_free:
        add_stack(fmt::format("{} is freed again by {}", name, last), told_.last_stack);
        if (it != nullptr)
          add_stack(fmt::format("{} was freed by {}", name, thread_name(it->freed_by)), it->free_stack);
        break;
      case finding_kind::data_race: {
        add_stack(fmt::format("{} is touched by {}", names_.name_of(found_.object), last), told_.last_stack);
        const bool is_read = !told_.plain.empty() && !told_.plain.back().is_write;
        if (const plain_touch* other = other_touch(is_read)) {
          add_stack(
              fmt::format("and {} by {}", other->is_write ? "written" : "read", thread_name(other->thread)),
              other->stack);
        }
        break;
      }
      case finding_kind::leak: tell_leaks(); return;
      case finding_kind::deadlock:
        for (const traced_step* each : waiting()) {
          add_stack(fmt::format("{} waits: {}", thread_name(each->thread), text_of_wait(*each)), each->stack);
        }
        return;
      case finding_kind::lock_order:
        for (const lock_order& each : told_.cycle) {
          add_stack(fmt::format("{} takes {} while it holds {}", thread_name(each.thread),
                                names_.name_of(each.taken), names_.name_of(each.held)),
                    each.stack);
        }
        break;
      case finding_kind::none: return;
      default: add_stack(fmt::format("the run ends in {}", last), told_.last_stack);
    }
    if (it != nullptr) {
      add_stack(fmt::format("{} was allocated by {}", name, thread_name(it->allocated_by)),
                it->allocation_stack);
    }
  }

  void tell_leaks() {
    std::size_t left = 0;
    for (const arena::object& each : told_.objects) {
      if (each.now != arena::state::live || left++ >= most_leaks) continue;
      add_stack(fmt::format("{} was allocated by {}", names_.name_of(each.where.first),
                            thread_name(each.allocated_by)),
                each.allocation_stack);
    }
  }

  // --- source lines ---

  static std::string function_text(const std::string& demangled) {
    const std::string made = short_function(demangled);
    return made.empty() ? "(inlined)" : made == "operator()" ? "(lambda)" : made;
  }

  /// "record" of a line that says make<record>() or the like.
  static std::string type_in(const std::string& line) {
    for (const std::string_view maker : {"make<", "make_unique<", "make_shared<"}) {
      const std::size_t at = line.find(maker);
      if (at == std::string::npos) continue;
      const std::size_t first = at + maker.size();
      const std::size_t end =
          line.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:", first);
      if (end != std::string::npos && line[end] == '>') return line.substr(first, end - first);
    }
    return {};
  }

  told_place to_told(const frame& from) {
    return {.function = from.file.empty() ? from.function : function_text(from.function),
            .file = from.file,
            .line = from.line,
            .text = source_.line(from.file, from.line)};
  }

  void find_lines() {
    call_frames frames;
    for (const auto* list : {&stacks_of_rows_, &stacks_of_sections_}) {
      for (const std::uint32_t each : *list) frames.add(told_.stacks[each]);
    }
    for (const arena::object* each : names_.mentioned()) frames.add(told_.stacks[each->allocation_stack]);
    made_.has_lines = frames.resolve();
    for (std::size_t i = 0; i != made_.rows.size(); ++i) {
      made_.rows[i].where = to_told(frames.place_of(told_.stacks[stacks_of_rows_[i]]));
    }
    for (std::size_t i = 0; i != made_.stacks.size(); ++i) {
      for (const frame& each : frames.own_frames_of(told_.stacks[stacks_of_sections_[i]])) {
        made_.stacks[i].frames.push_back(to_told(each));
      }
    }
    for (std::size_t i = 0; i != made_.objects.size(); ++i) {
      const call_stack& allocated = told_.stacks[names_.mentioned()[i]->allocation_stack];
      made_.objects[i].allocated_at = to_told(frames.place_of(allocated));
      made_.objects[i].type = allocated_type(frames.frames_of(allocated));
      if (made_.objects[i].type.empty()) made_.objects[i].type = type_in(made_.objects[i].allocated_at.text);
    }
  }

  const finding& found_;
  const trace& told_;
  const telling how_;
  object_names names_;
  source_tree source_;
  story made_;
  std::vector<std::uint32_t> stacks_of_rows_;
  std::vector<std::uint32_t> stacks_of_sections_;
};

}  // namespace

story tell(const replayed& run, telling how) { return teller{run, how}.tell(); }

}  // namespace rcuvm::explore
