// SPDX-License-Identifier: Apache-2.0
#pragma once

/// NAME.elf: how much of each program's image its first PT_LOAD segment covers.
///
///   /usr/bin/bash
///     LOAD 0x000000 0x0000000000000000 0x02ed48 0x02ed48 R      offset vaddr filesz memsz flags
///     LOAD ...

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "bench/recording/read_error.hpp"

namespace rcuvm::recording {

/// Bytes, whole pages, of the first segment as execve maps it, by the file's name.
using first_segments = std::map<std::string, std::uint64_t, std::less<>>;

[[nodiscard]] std::expected<first_segments, read_error> read_first_segments(
    const std::filesystem::path& path);

}  // namespace rcuvm::recording
