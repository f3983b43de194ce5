// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/segments.hpp"

#include <optional>

#include "bench/recording/line_reader.hpp"
#include "proc_maps/cursor.hpp"
#include "rcuvm/base/address.hpp"

namespace rcuvm::recording {
namespace {

/// The size of "  LOAD 0xOFFSET 0xVADDR 0xFILESZ ..." in whole pages. Kernel: elf_map() in fs/binfmt_elf.c.
std::optional<std::uint64_t> take_load_size(proc_maps::cursor at) {
  at.skip_spaces();
  if (!at.take("LOAD 0x") || !at.take_hex() || !at.take(" 0x")) return std::nullopt;
  const auto virtual_address = at.take_hex();
  if (!virtual_address || !at.take(" 0x")) return std::nullopt;
  const auto in_file = at.take_hex();
  if (!in_file) return std::nullopt;
  return page_ceil(*virtual_address % page_size + *in_file);
}

}  // namespace

std::expected<first_segments, read_error> read_first_segments(const std::filesystem::path& path) {
  auto reader = line_reader::open(path);
  if (!reader) return std::unexpected{reader.error()};
  first_segments sizes;
  std::string file;  // empty: the first segment of the current file has been seen
  while (true) {
    const auto next = reader->next();
    if (!next) return std::unexpected{next.error()};
    if (!*next) return sizes;
    const std::string_view line = **next;
    if (line.starts_with('#') || line.empty()) continue;
    if (line.starts_with('/')) {
      file = line;
      continue;
    }
    const auto size = take_load_size(proc_maps::cursor{line});
    if (!size) return reader->error_here("neither a path nor '  LOAD 0xOFFSET 0xVADDR 0xFILESZ ...'");
    if (!file.empty()) sizes.try_emplace(std::move(file), *size);
    file.clear();
  }
}

}  // namespace rcuvm::recording
