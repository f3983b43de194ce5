// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/translator.hpp"

#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace rcuvm::recording {
namespace {

access access_of(std::uint64_t error_code) noexcept {
  if ((error_code & 0x10) != 0) return access::execute;
  return (error_code & 2) != 0 ? access::write : access::read;
}

}  // namespace

translator::used translator::take(const perf_line& line) {
  if (line.time_ns < log_.now_ns()) {
    return std::unexpected{garble{.column = 1, .reason = "the time goes back", .detail = {}}};
  }
  const auto parsed = perf::parse_event(line.event);
  if (!parsed) return std::unexpected{parsed.error()};
  place_samples_before(line.time_ns);
  log_.advance_to(line.time_ns);
  tree_.end_exited();
  return std::visit(
      [&]<class Event>(const Event& seen) -> used {
        constexpr bool needs_task =
            std::is_same_v<Event, perf::page_fault> || std::is_same_v<Event, perf::call_enter> ||
            std::is_same_v<Event, perf::call_exit> || std::is_same_v<Event, perf::new_task>;
        if (needs_task && (line.pid <= 0 || line.tid <= 0)) {
          log_.note_oddity("line of a task without a number");  // perf writes -1 once a task is nearly gone
          return line_use::nothing;
        }
        if (needs_task && tree_.has_ended(line.pid, line.tid)) {
          log_.note_oddity("line of a task after its EXIT");
          return line_use::nothing;
        }
        return take_event(line, seen);
      },
      *parsed);
}

translator::used translator::take_event(const perf_line& line, const perf::page_fault& seen) {
  const live_task& by = tree_.get(line.pid, line.tid, line.comm);
  log_.append(by.space, by.id,
              fault{.at = seen.at,
                    .kind = access_of(seen.error_code),
                    .page_was_present = (seen.error_code & 1) != 0,
                    .by_kernel = seen.by_kernel,
                    .races_a_call = tree_.races_a_call(by),
                    .during_exec = tree_.process_of(by).exec.has_value()});
  return line_use::event;
}

translator::used translator::take_event(const perf_line& line, const perf::call_enter& seen) {
  const call_kind* const kind = find_call(seen.name);
  if (kind == nullptr || kind->role == call_role::birth) return line_use::nothing;
  pending_call call{.kind = kind, .enter_ns = line.time_ns, .what = {}, .notices = {}, .at_event = {}};
  if (kind->role == call_role::memory) {
    auto made = kind->make(seen.given);
    if (!made) {
      constexpr std::string_view reason = "the call lacks an argument";
      return std::unexpected{garble{.column = 1, .reason = reason, .detail = made.error()}};
    }
    call.what = *made;
    call_in(call.what)->enter_ns = line.time_ns;
    call.changes_maps = changes_maps(call.what);
  }
  live_task& by = tree_.get(line.pid, line.tid, line.comm);
  if (kind->role == call_role::death) {
    by.dying_since_ns = line.time_ns;
    process& its = tree_.process_of(by);
    if (seen.name == "exit_group" && !its.dying_since_ns) its.dying_since_ns = line.time_ns;
    return line_use::nothing;
  }
  tree_.begin_call(by, std::move(call));
  if (std::holds_alternative<munmap_call>(by.pending->what)) {
    by.pending->at_event = log_.append(by.space, by.id, by.pending->what);
  }
  return line_use::event;
}

translator::used translator::take_event(const perf_line& line, const perf::call_exit& seen) {
  const call_kind* const kind = find_call(seen.name);
  if (kind == nullptr || kind->role == call_role::birth) return line_use::nothing;
  if (kind->role == call_role::exec) return return_from_exec(line, seen);
  live_task& by = tree_.get(line.pid, line.tid, line.comm);
  if (!by.pending || by.pending->kind != kind) {
    if (by.pending) tree_.abandon_call(by, "call without exit");
    log_.note_oddity("exit without enter", seen.name);
    return line_use::nothing;
  }
  finish_call(by, *tree_.end_call(by), seen.returned);
  return line_use::event;
}

translator::used translator::return_from_exec(const perf_line& line, const perf::call_exit& seen) {
  live_task& by = tree_.get(line.pid, line.tid, line.comm);
  process& its = tree_.process_of(by);
  if (its.exec) {
    if (seen.returned != 0) log_.note_oddity("exec failed past its point of no return");
    tree_.finish_exec(its, line.time_ns);
    return line_use::event;
  }
  const auto failed = tree_.end_call(by);
  if (!failed || failed->kind->role != call_role::exec) {
    log_.note_oddity("exit without enter", seen.name);
    return line_use::nothing;
  }
  // Its enter was counted as a part of an event when nobody could know.
  ++log_.into().report.classes["sys_enter_" + std::string{seen.name}].without_event;
  log_.note_failure(seen.name);
  return line_use::nothing;
}

void translator::finish_call(live_task& by, pending_call call, std::uint64_t returned) {
  const std::string_view name = call.kind->name;
  recording::call& how = *call_in(call.what);
  how.exit_ns = log_.now_ns();
  how.returned = returned;
  how.has_returned = true;
  how.notices = log_.add_notices(call.notices);
  if (how.error_number() != 0) log_.note_failure(name);
  const file_id file = call.notices.empty() ? no_id : call.notices.back().file;
  if (auto* const mapped = std::get_if<mmap_call>(&call.what)) {
    constexpr std::uint32_t anonymous = 0x20;
    mapped->file = file;
    if ((mapped->flags & anonymous) == 0 && !how.has_failed() && file == no_id) {
      log_.note_oddity("file mapping without MMAP2");
    }
  } else if (auto* const attached = std::get_if<shmat_call>(&call.what)) {
    attached->file = file;
    if (!how.has_failed() && file == no_id) log_.note_oddity("shmat without MMAP2");
  }
  if (call.at_event) {
    log_.payload_at(*call.at_event) = call.what;
  } else {
    log_.append(by.space, by.id, call.what);
  }
}

std::uint64_t translator::first_segment_of(const notice& seen) {
  if (seen.kind != backing::file) return 0;
  const std::string& name = log_.into().files[seen.file].name;
  const auto known = segments_.find(name);
  if (known != segments_.end()) return known->second;
  log_.note_oddity("program without PT_LOAD table", name);
  return 0;
}

translator::used translator::take_event(const perf_line& line, const perf::mapping& seen) {
  live_task& by = tree_.get(seen.pid, seen.tid, line.comm);
  const notice made = files_.make_notice(seen);
  process& its = tree_.process_of(by);
  if (its.exec) {
    exec_image& image = its.exec->image;
    const bool is_first = made.kind == backing::file && !image.has_seen(made.file);
    image.add(made, is_first ? first_segment_of(made) : 0);
    return line_use::event;
  }
  if (by.pending && by.pending->kind->takes_notices) {
    by.pending->notices.push_back(made);
    return line_use::event;
  }
  return take_outside_mapping(by, made);
}

translator::used translator::take_outside_mapping(const live_task& by, const notice& seen) {
  if (seen.kind != backing::stack && seen.kind != backing::anonymous) {
    log_.note_oddity("MMAP2 of a file outside any call");
    return line_use::nothing;
  }
  if (seen.kind == backing::anonymous) log_.note_oddity("MMAP2 outside any call, taken as a growing stack");
  log_.append(by.space, by.id, stack_growth{.where = seen.where, .is_main = seen.kind == backing::stack});
  log_.add_window({.space = by.space, .from_ns = log_.now_ns(), .to_ns = log_.now_ns() + 1});
  return line_use::event;
}

translator::used translator::take_event(const perf_line& line, const perf::new_task& seen) {
  tree_.begin(tree_.get(line.pid, line.tid, line.comm), seen, line.comm);
  return line_use::event;
}

translator::used translator::take_event(const perf_line&, const perf::fork_record& seen) {
  tree_.note_fork(seen);
  return line_use::nothing;
}

translator::used translator::take_event(const perf_line&, const perf::exit_record& seen) {
  live_task* const gone = tree_.find(seen.tid);
  if (gone == nullptr || gone->pid != seen.pid) {
    log_.note_oddity("EXIT of an unknown task");
    return line_use::nothing;
  }
  tree_.note_exit(*gone);
  return line_use::event;
}

translator::used translator::take_event(const perf_line&, const perf::naming& seen) {
  if (seen.is_exec) {
    tree_.begin_exec(seen.pid, seen.tid, seen.name);
  }
  if (const live_task* const named = tree_.find(seen.tid)) log_.into().tasks[named->id].name = seen.name;
  return seen.is_exec ? line_use::event : line_use::nothing;
}

translator::used translator::take_event(const perf_line&, const perf::lost_record& seen) {
  log_.into().report.oddities["records lost by the recorder"] += seen.count;
  return line_use::nothing;
}

translator::used translator::take_event(const perf_line&, const perf::other_event&) {
  return line_use::nothing;
}

void translator::place_samples_before(std::uint64_t now_ns) {
  std::vector<maps_sample>& samples = log_.into().samples;
  for (; next_sample_ < samples.size() && samples[next_sample_].start_ns < now_ns; ++next_sample_) {
    maps_sample& one = samples[next_sample_];
    const process* const its = tree_.find_process(one.pid);
    one.space = its != nullptr ? its->space : no_id;
    one.events_before = log_.size();
  }
}

void translator::judge_samples() {
  for (maps_sample& one : log_.into().samples) {
    if (one.space == no_id) {
      one.verdict = comparison::no_such_space;
      continue;
    }
    if (one.end_ns >= log_.now_ns()) {
      one.verdict = comparison::past_the_end;
      continue;
    }
    one.verdict =
        log_.into().spaces[one.space].is_known ? comparison::comparable : comparison::unknown_contents;
    for (const change_window& window : log_.windows()) {
      if (window.space != one.space || window.from_ns > one.end_ns || window.to_ns <= one.start_ns) continue;
      if (window.pid != 0 && window.pid != one.pid) continue;
      if (window.from_ns > one.start_ns) {
        if (one.verdict == comparison::comparable) one.verdict = comparison::changed_meanwhile;
      } else if (window.is_exec) {
        one.verdict = comparison::exec_in_progress;
      } else if (one.verdict != comparison::exec_in_progress) {
        one.verdict = comparison::call_in_flight;
      }
    }
  }
}

void translator::finish() {
  place_samples_before(std::numeric_limits<std::uint64_t>::max());
  tree_.finish();
  judge_samples();
}

}  // namespace rcuvm::recording
