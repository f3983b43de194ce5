// SPDX-License-Identifier: Apache-2.0
#include "bench/diff_kernel/scene.hpp"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "proc_maps/parse.hpp"

namespace rcuvm::diff_kernel {

namespace {

constexpr address first_tried = 0x1000'0000 + huge_page / 2;

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

bool may_lock(std::uint64_t bytes) {
  rlimit locked{};
  return is_capable(CAP_IPC_LOCK) || (::getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_max >= bytes);
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
  address at = first_tried;
  for (const proc_maps::entry& one : *mapped) {
    if (at + arena_bytes + page_size <= one.where.start) break;
    while (at - page_size < one.where.end) at += huge_page;
  }
  if (at >= 0x7fff'0000'0000) throw std::runtime_error{"no room for an arena in this process"};
  return {.arena = {at, at + arena_bytes},
          .has_heap = is_capable(CAP_SYS_RESOURCE),
          .may_lock = may_lock(arena_bytes),
          .has_protection_keys = has_protection_keys()};
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
