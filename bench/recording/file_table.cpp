// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/file_table.hpp"

#include <array>
#include <utility>

namespace rcuvm::recording {
namespace {

/// perf's names for what has no file. "//anon" is perf's own; maps shows no name there.
constexpr std::array special_names{
    std::pair{std::string_view{"//anon"}, backing::anonymous},
    std::pair{std::string_view{"[stack]"}, backing::stack},
    std::pair{std::string_view{"[heap]"}, backing::heap},
    std::pair{std::string_view{"[vdso]"}, backing::vdso},
    std::pair{std::string_view{"[vvar]"}, backing::vvar},
    std::pair{std::string_view{"[vvar_vclock]"}, backing::vvar_vclock},
};

/// A file may be called "[heap]"; it has an inode then.
backing kind_of(const perf::mapping& seen) noexcept {
  if (seen.inode != 0) return backing::file;
  for (const auto& [name, kind] : special_names) {
    if (seen.name == name) return kind;
  }
  return seen.name.starts_with('[') ? backing::other : backing::file;
}

}  // namespace

std::string_view special_name(backing kind) noexcept {
  if (kind == backing::anonymous) return {};
  for (const auto& [name, named] : special_names) {
    if (named == kind) return name;
  }
  return {};
}

notice file_table::make_notice(const perf::mapping& seen) {
  const backing kind = kind_of(seen);
  const bool has_name = kind == backing::file || kind == backing::other;
  return {.where = seen.where,
          .offset = seen.offset,
          .allowed = seen.allowed,
          .kind = kind,
          .file = has_name ? number_of(seen) : no_id};
}

file_id file_table::number_of(const perf::mapping& seen) {
  const auto [first, last] = by_inode_.equal_range(seen.inode);
  for (auto at = first; at != last; ++at) {
    const file& known = files_[at->second];
    if (known.name == seen.name && known.device_major == seen.device_major &&
        known.device_minor == seen.device_minor && known.generation == seen.generation) {
      return at->second;
    }
  }
  const auto number = static_cast<file_id>(files_.size());
  files_.push_back({.name = std::string{seen.name},
                    .device_major = seen.device_major,
                    .device_minor = seen.device_minor,
                    .inode = seen.inode,
                    .generation = seen.generation});
  by_inode_.emplace(seen.inode, number);
  return number;
}

}  // namespace rcuvm::recording
