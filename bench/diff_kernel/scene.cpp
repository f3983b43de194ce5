// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/scene.hpp"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "proc_maps/parse.hpp"

namespace rcuvm::diff_kernel {

namespace {

constexpr address first_tried = 0x1000'0000 + huge_page / 2;
/// Room from below is looked for only above a third of all addresses, and what chance adds.
constexpr address first_tried_bottom_up = 0x3000'0000'0000 + huge_page / 2;

/// Effective capabilities, one bit each.
std::uint64_t capabilities() {
  constexpr std::string_view key = "CapEff:";
  std::ifstream in{"/proc/self/status"};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key)) return std::stoull(line.substr(key.size()), nullptr, 16);
  }
  return 0;
}

bool is_capable(unsigned of) { return (capabilities() >> of & 1) != 0; }

std::uint64_t lock_limit() {
  rlimit locked{};
  if (is_capable(CAP_IPC_LOCK) || ::getrlimit(RLIMIT_MEMLOCK, &locked) != 0) return RLIM_INFINITY;
  return locked.rlim_max;
}

/// What the kernel knows of this process, but with an empty heap at `start`. Null where the kernel was built without
/// CONFIG_CHECKPOINT_RESTORE: it is tried on the process as it is.
std::optional<prctl_mm_map> with_heap_at(address start) {
  std::ifstream in{"/proc/self/stat"};
  std::string told{std::istreambuf_iterator<char>{in}, {}};
  std::istringstream words{
      told.substr(std::min(told.rfind(')') + 1, told.size()))};  // a name may hold spaces
  std::array<std::uint64_t, 52> field{};  // by their numbers in proc(5); the third one is a letter
  words >> told;
  for (std::size_t i = 4; i < field.size(); ++i) words >> field[i];
  if (!words) return std::nullopt;
  const auto now = reinterpret_cast<address>(::sbrk(0));
  prctl_mm_map made{.start_code = field[26],
                    .end_code = field[27],
                    .start_data = field[45],
                    .end_data = field[46],
                    .start_brk = field[47],
                    .brk = now,
                    .start_stack = field[28],
                    .arg_start = field[48],
                    .arg_end = field[49],
                    .env_start = field[50],
                    .env_end = field[51],
                    .auxv = nullptr,
                    .auxv_size = 0,
                    .exe_fd = ~0U};
  if (::prctl(PR_SET_MM, PR_SET_MM_MAP, &made, sizeof made, 0) != 0) return std::nullopt;
  made.start_data = made.end_data = made.start_brk = made.brk = start;
  return made;
}

std::uint64_t most_mappings() {
  std::ifstream in{"/proc/sys/vm/max_map_count"};
  std::uint64_t count = 0;
  in >> count;
  return count;
}

/// The system call itself: AddressSanitizer's prctl() reads the name, even if there is none.
bool has_names() { return ::syscall(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0, 0, nullptr) == 0; }

/// One line is the table's head.
bool has_swap() {
  std::ifstream in{"/proc/swaps"};
  std::string line;
  return std::getline(in, line) && std::getline(in, line);
}

/// Personality is the usual reason; a process that was started with an endless stack is the other.
bool is_bottom_up() {
  constexpr unsigned long ask = 0xffff'ffff;
  rlimit stack{};
  return (static_cast<unsigned>(::personality(ask)) & ADDR_COMPAT_LAYOUT) != 0 ||
         (::getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur == RLIM_INFINITY);
}

std::uint64_t accessible_bytes(const std::vector<proc_maps::entry>& mapped) {
  std::uint64_t bytes = 0;
  for (const proc_maps::entry& one : mapped) {
    if (one.allowed.has(proc_maps::permission::read)) bytes += one.where.size();
  }
  return bytes;
}

bool has_protection_keys() {
  const int key = ::pkey_alloc(0, 0);
  if (key >= 0) ::pkey_free(key);
  return key >= 0;
}

std::string name_of_file(std::size_t index) { return "rcuvm-" + std::to_string(index); }

}  // namespace

stage find_stage(std::uint64_t arena_bytes) {
  std::ifstream in{"/proc/self/maps"};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto mapped = proc_maps::parse(text);
  if (!mapped) throw std::runtime_error{"/proc/self/maps:" + mapped.error().to_text()};
  address at = is_bottom_up() ? first_tried_bottom_up : first_tried;
  for (const proc_maps::entry& one : *mapped) {
    if (at + arena_bytes + page_size <= one.where.start) break;
    while (at - page_size < one.where.end) at += huge_page;
  }
  if (at >= 0x7fff'0000'0000) throw std::runtime_error{"no room for an arena in this process"};
  stage made{.arena = {at, at + arena_bytes},
             .lock_limit = lock_limit(),
             .is_bottom_up = is_bottom_up(),
             .has_huge_pages = std::filesystem::exists("/sys/kernel/mm/transparent_hugepage"),
             .most_mappings = most_mappings(),
             .has_names = has_names(),
             .has_swap = has_swap(),
             .has_protection_keys = has_protection_keys(),
             .accessible = accessible_bytes(*mapped)};
  made.with_heap = with_heap_at(made.first_break());
  return made;
}

std::string kernel_name() {
  utsname name{};
  ::uname(&name);
  return std::string{name.sysname} + " " + name.release;
}

bool is_kernel_followed() {
  utsname name{};
  ::uname(&name);
  char* rest = name.release;
  const auto major_number = std::strtoul(rest, &rest, 10);
  const auto minor_number = *rest == '.' ? std::strtoul(rest + 1, nullptr, 10) : 0;
  return std::pair{major_number, minor_number} >= std::pair{6UL, 17UL};
}

scene_files::scene_files() {
  for (std::size_t index = 0; index < files_.size(); ++index) {
    files_[index] = descriptor{::memfd_create(name_of_file(index).c_str(), MFD_CLOEXEC)};
    const int made = files_[index].get();
    if (made < 0 || ::ftruncate(made, static_cast<off_t>(file_sizes[index])) != 0)
      throw std::system_error{errno, std::generic_category(), "memfd_create"};
  }
}

std::vector<vm::file_identity> scene_files::identities() const {
  std::vector<vm::file_identity> made;
  for (std::size_t index = 0; index < files_.size(); ++index) {
    struct stat told{};
    if (::fstat(descriptor_of(index), &told) != 0)
      throw std::system_error{errno, std::generic_category(), "fstat"};
    made.push_back({.name = "/memfd:" + name_of_file(index) + " (deleted)",
                    .device_major = major(told.st_dev),
                    .device_minor = minor(told.st_dev),
                    .inode = told.st_ino});
  }
  return made;
}

}  // namespace rcuvm::diff_kernel
