// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/kernel.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "bench/diff_kernel/child.hpp"
#include "bench/diff_kernel/smaps.hpp"
#include "proc_maps/parse.hpp"

namespace rcuvm::diff_kernel {

namespace {

constexpr std::size_t pipe_bytes = 1U << 20;
constexpr std::size_t buffer_bytes = 1U << 16;
constexpr std::size_t record_bytes = 1U << 20;  ///< enough for a mapping on each page of the largest arena

std::string_view meaning(int exit_status) {
  switch (static_cast<child_exit>(exit_status)) {
    case child_exit::no_fence: return "something was mapped beside its arena";
    case child_exit::no_heap: return "it could not put its heap into its arena";
    case child_exit::no_maps: return "it could not read its /proc/self/maps";
    case child_exit::too_many_lines: return "its /proc/self/maps had too many lines";
    case child_exit::no_reader: return "nobody read its records";
    case child_exit::no_status: return "it could not read its /proc/self/status";
    case child_exit::no_crowd: return "it could not make as many mappings as there may be";
    case child_exit::no_fill: return "it could not occupy all addresses beside its arena";
    case child_exit::done: return "it ended before its last call";
  }
  return "it ended in an unknown way";
}

}  // namespace

kernel_run::kernel_run(std::span<const call> calls, const stage& on)
    : calls_{calls}, arena_{on.arena}, buffer_(buffer_bytes) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe2"};
  from_child_ = descriptor{ends[0]};
  const descriptor to_parent{ends[1]};
  ::fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);  // a smaller one works, too
  std::vector<char> workroom(record_bytes);
  child_work work{.parent = ::getpid(),
                  .calls = calls,
                  .stage = on,
                  .files = {},
                  .to_parent = ends[1],
                  .workroom = workroom};
  for (std::size_t index = 0; index < work.files.size(); ++index)
    work.files[index] = files_.descriptor_of(index);
  child_ = ::fork();
  if (child_ < 0) throw std::system_error{errno, std::generic_category(), "fork"};
  if (child_ == 0) {
    from_child_ = {};  // else it would wait for itself when nobody reads any more
    perform_in_child(work);
  }
}

kernel_run::~kernel_run() {
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

sight kernel_run::next() {
  std::array<char, sizeof(record_head)> raw;
  take(raw);
  record_head head;
  std::memcpy(&head, raw.data(), sizeof head);
  sight made{.answer = head.answer, .seen = std::string(head.seen, ' '), .lines = {}};
  take(made.seen);
  if (calls_.front().what == verb::inspect) made.seen = lines_of_smaps(made.seen, arena_);
  calls_ = calls_.subspan(1);
  std::string text(head.text, ' ');
  take(text);
  auto lines = proc_maps::parse(text);
  if (!lines) throw std::runtime_error{"/proc/PID/maps:" + lines.error().to_text()};
  for (proc_maps::entry& one : *lines) {
    if (arena_.contains(one.where.start)) made.lines.push_back(std::move(one));
  }
  return made;
}

void kernel_run::take(std::span<char> into) {
  while (!into.empty()) {
    if (begin_ == end_) {
      const ssize_t got = ::read(from_child_.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) tell_end();
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    const std::size_t part = std::min(into.size(), end_ - begin_);
    std::copy_n(buffer_.data() + begin_, part, into.data());
    begin_ += part;
    into = into.subspan(part);
  }
}

void kernel_run::tell_end() {
  int status = 0;
  ::waitpid(std::exchange(child_, -1), &status, 0);
  if (WIFSIGNALED(status))
    throw std::runtime_error{fmt::format("the child was ended by signal {}", WTERMSIG(status))};
  throw std::runtime_error{fmt::format("the child: {}", meaning(WEXITSTATUS(status)))};
}

}  // namespace rcuvm::diff_kernel
