// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A recorded run of a real program, read into memory: the door to this folder.
///
///   auto where = recording::locate("sqlite_mmap");             // name, or path of a .perf or .perf.xz
///   auto trace = recording::read(*where);                      // the whole run, or file:line: reason
///   for (const recording::event& one : trace->events) std::visit(..., one.what);
///
/// Strict replay: apply the events in order on one thread; before applying events[sample.events_before], the model
/// of sample.space must equal sample.entries for every sample with is_comparable().
/// Measured replay: one real thread per task (trace::tasks), one address space per trace::spaces.

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/recording/event.hpp"
#include "bench/recording/read_error.hpp"
#include "proc_maps/entry.hpp"

namespace rcuvm::recording {

/// A file behind a mapping. The same name with another inode is another file.
struct file {
  std::string name;  ///< raw bytes; "/dev/zero (deleted)" is shared anonymous memory
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;
  std::uint64_t generation = 0;

  friend bool operator==(const file&, const file&) = default;
};

/// What a notice is about.
enum class backing : std::uint8_t { anonymous, file, stack, heap, vdso, vvar, vvar_vclock, other };

/// A VMA as the kernel announced it (PERF_RECORD_MMAP2): after merging, so often larger than the call's range.
struct notice {
  range where;
  std::uint64_t offset = 0;  ///< bytes into the file; for anonymous memory what the kernel keeps there
  proc_maps::permissions allowed;
  backing kind = backing::anonymous;
  file_id file = no_id;  ///< of kind file (the name) and other (the name in brackets); else no_id
};

/// "[stack]", "[vdso]", ...: what /proc/PID/maps prints for it; empty for anonymous, file and other.
[[nodiscard]] std::string_view special_name(backing kind) noexcept;

/// An address space, from its first event to its last.
struct space {
  enum class origin : std::uint8_t { exec, fork, found };  ///< found: was there before the recording began
  origin from = origin::exec;
  bool is_known = true;         ///< false: found, or copied from such a one, so what it holds is not known
  space_id parent = no_id;      ///< of a fork: who was copied
  std::int32_t pid = 0;         ///< the process that began it
  std::size_t first_event = 0;  ///< its space_begin, or the space_fork that made it
  std::size_t end_event = 0;    ///< its space_end; trace::events.size() when it outlives the recording
};

/// A thread. Numbers are used again by the kernel, so one (pid, tid) may be several tasks.
struct task {
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  task_id creator = no_id;      ///< who called clone, fork or vfork
  std::size_t first_event = 0;  ///< its task_begin
  std::size_t end_event = 0;    ///< its task_end; trace::events.size() when it outlives the recording
  std::string name;             ///< its comm, the last one seen
};

/// Why a sampled maps text cannot be compared, or that it can.
enum class comparison : std::uint8_t {
  comparable,
  no_such_space,     ///< its process is not in the recording at that time
  unknown_contents,  ///< its space was there before the recording began
  exec_in_progress,
  call_in_flight,     ///< at t0 a call that may change the maps had begun and not ended
  changed_meanwhile,  ///< such a call began or ended between t0 and t1
  past_the_end,       ///< the recording ends before t1
};
[[nodiscard]] std::string_view name_of(comparison why) noexcept;

/// /proc/PID/maps as the kernel showed it at some moment between start_ns and end_ns.
struct maps_sample {
  std::int32_t pid = 0;
  std::uint64_t start_ns = 0;  ///< t0, same clock as the events
  std::uint64_t end_ns = 0;    ///< t1
  space_id space = no_id;
  std::vector<proc_maps::entry> entries;
  comparison verdict = comparison::comparable;
  std::size_t events_before = 0;  ///< the model must equal the entries after events [0, events_before)
  std::uint64_t line = 0;         ///< of its header in the .maps file

  [[nodiscard]] bool is_comparable() const noexcept { return verdict == comparison::comparable; }
};

/// NAME.meta: the recorder's own account of the run, key by key.
struct meta {
  std::map<std::string, std::string, std::less<>> values;

  /// Empty when there is no such key.
  [[nodiscard]] std::string_view get(std::string_view key) const;
};

/// Where every line went. Nothing is dropped without a count here.
struct reading_report {
  struct line_class {
    std::uint64_t lines = 0;
    std::uint64_t without_event = 0;  ///< neither an event nor part of one
  };
  std::uint64_t lines = 0;
  /// By the name in the line: "sys_enter_mmap", "PERF_RECORD_MMAP2", "page_fault_user", "task_newtask", ...
  std::map<std::string, line_class, std::less<>> classes;
  /// What was odd but could be read: "exit without enter: mmap", "file mapping without MMAP2", ...
  std::map<std::string, std::uint64_t, std::less<>> oddities;
  std::map<std::string, std::uint64_t, std::less<>> failed_calls;  ///< refused with an errno, by name
  std::vector<std::string> warnings;                               ///< a missing companion file, by name

  [[nodiscard]] std::string to_text() const;
};

struct trace {
  std::string name;
  meta about;
  std::vector<space> spaces;
  std::vector<task> tasks;
  std::vector<file> files;
  std::vector<notice> notices;
  std::vector<event> events;
  std::vector<maps_sample> samples;  ///< by start_ns
  reading_report report;
};

/// The files of one recording. `events` exists; the others may not.
struct location {
  std::string name;
  std::filesystem::path events;    ///< NAME.perf.xz or NAME.perf
  std::filesystem::path maps;      ///< NAME.maps.xz or NAME.maps; empty: none
  std::filesystem::path segments;  ///< NAME.elf; empty: none
  std::filesystem::path about;     ///< NAME.meta; empty: none
};

enum class garbled_lines : std::uint8_t { are_an_error, are_counted };

/// Reads a whole recording. A garbled line, a cut-off or corrupt .xz is an error with file, line and reason; a
/// missing companion is a warning in the report. Cost: under a microsecond a line, unpacking included.
[[nodiscard]] std::expected<trace, read_error> read(const location& where,
                                                    garbled_lines garbled = garbled_lines::are_an_error);

/// The recording of that name or path: a path to its .perf or .perf.xz, a name among the bundled ones, a name in the
/// shared set, in this order.
[[nodiscard]] std::expected<location, read_error> locate(std::string_view name_or_path);

/// Every recording of a folder, by name; none when there is no such folder.
[[nodiscard]] std::vector<location> list(const std::filesystem::path& folder);

/// data/recordings of the source tree (or RCUVM_RECORDINGS of the environment).
[[nodiscard]] std::filesystem::path bundled_folder();
/// ../shared/traces/perf beside the source tree; may not exist.
[[nodiscard]] std::filesystem::path shared_folder();

}  // namespace rcuvm::recording
