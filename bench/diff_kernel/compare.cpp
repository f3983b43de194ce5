// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/compare.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/diff_kernel/kernel.hpp"
#include "proc_maps/diff.hpp"
#include "rcuvm/base/address.hpp"

namespace rcuvm::diff_kernel {

namespace {

/// The inodes of shared anonymous memory on one side.
class inode_numbers {
 public:
  void number(std::vector<proc_maps::entry>& lines) {
    for (proc_maps::entry& one : lines) {
      if (is_shared_anonymous(one))
        one.inode = known_.try_emplace(one.inode, known_.size() + 1).first->second;
    }
  }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> known_;
};

/// Pages of files that nobody has written to may leave the page cache at any time: mincore's word on them is not compared.
void leave_out_files(const call& of, const stage& on, sight& seen) {
  if (of.what != verb::core) return;
  for (const proc_maps::entry& line : seen.lines) {
    if (line.inode == 0) continue;
    for (std::size_t page = 0; page < seen.seen.size(); ++page) {
      if (line.where.contains(on.arena.start + of.at + page * page_size)) seen.seen[page] = '?';
    }
  }
}

/// MADV_PAGEOUT takes a file's pages from the page tables if it finds them on a list: not those that a processor has yet to add.
void leave_out_mapped_pages_of_files(sight& seen) {
  std::string kept;
  std::string_view rest = seen.seen;
  for (const proc_maps::entry& line : seen.lines) {
    const std::string_view shown = rest.substr(0, rest.find('\n') + 1);
    rest.remove_prefix(shown.size());
    kept += line.inode == 0 ? shown : shown.substr(0, shown.rfind(" anonymous"));
    if (line.inode != 0) kept += " anonymous\n";
  }
  seen.seen = std::move(kept);
}

}  // namespace

bool is_shared_anonymous(const proc_maps::entry& line) {
  return line.name == "/dev/zero (deleted)" || line.name.starts_with("[anon_shmem:");
}

std::optional<difference> first_difference(std::span<const call> calls, const stage& on, model& by) {
  kernel_run kernel{calls, on};
  by.start(on, kernel.files().identities());
  inode_numbers of_kernel;
  inode_numbers of_model;
  bool has_paged_out = false;
  for (std::size_t index = 0; index < calls.size(); ++index) {
    sight expected = kernel.next();
    sight got = by.perform(calls[index]);
    leave_out_files(calls[index], on, expected);
    leave_out_files(calls[index], on, got);
    has_paged_out |= calls[index].advice == MADV_PAGEOUT;
    if (has_paged_out && calls[index].what == verb::inspect) {
      leave_out_mapped_pages_of_files(expected);
      leave_out_mapped_pages_of_files(got);
    }
    of_kernel.number(expected.lines);
    of_model.number(got.lines);
    if (expected.answer != got.answer || expected.seen != got.seen || expected.lines != got.lines)
      return difference{index, std::move(expected), std::move(got)};
  }
  return std::nullopt;
}

std::string to_text(const difference& found, const call& of) {
  std::string text = to_text(of) + "\n";
  const auto add = [&](std::string_view what, const std::string& kernel, const std::string& model) {
    if (kernel == model) {
      text += fmt::format("  {}, both: {}\n", what, kernel);
    } else {
      text += fmt::format("  {}, kernel: {}\n  {}, model:  {}\n", what, kernel, what, model);
    }
  };
  add("answer", to_text(found.kernel.answer), to_text(found.model.answer));
  if (!found.kernel.seen.empty() || !found.model.seen.empty())
    add("seen", found.kernel.seen, found.model.seen);
  if (found.kernel.lines == found.model.lines) return text + "  maps: the same lines\n";
  return text + "  maps (-: kernel, +: model):\n" + proc_maps::diff(found.kernel.lines, found.model.lines);
}

}  // namespace rcuvm::diff_kernel
