// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The lines of a file, packed (.xz) or plain, one at a time.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/recording/read_error.hpp"
#include "bench/recording/xz.hpp"

namespace rcuvm::recording {

/// Splits only at '\n'; a line is bytes. A last line without '\n' is a cut-off file, so an error.
/// Confined to one thread. Cost: no allocation per line.
class line_reader {
 public:
  [[nodiscard]] static std::expected<line_reader, read_error> open(const std::filesystem::path& path);

  /// The next line without its newline, valid until the next call; nothing at the end of the file.
  [[nodiscard]] std::expected<std::optional<std::string_view>, read_error> next();

  /// Of the line that next() gave last, from 1.
  [[nodiscard]] std::uint64_t line_number() const noexcept { return line_; }

  /// An error at that line.
  [[nodiscard]] std::unexpected<read_error> error_here(std::string reason) const;

 private:
  struct closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  line_reader(const std::filesystem::path& path, std::FILE* file);

  /// More text behind what is not yet given out. False at the end of the file.
  [[nodiscard]] std::expected<bool, read_error> fill();
  [[nodiscard]] std::expected<std::size_t, std::string> read_plain(std::span<char> into);
  [[nodiscard]] std::expected<std::size_t, std::string> read_packed(std::span<char> into);

  std::string name_;
  std::unique_ptr<std::FILE, closer> file_;
  std::unique_ptr<xz_decoder> decoder_;  ///< null: a plain file
  std::vector<std::byte> packed_;
  std::size_t packed_at_ = 0;
  std::size_t packed_end_ = 0;
  bool is_packed_complete_ = false;
  std::vector<char> text_;
  std::size_t text_at_ = 0;
  std::size_t text_end_ = 0;
  bool is_finished_ = false;
  std::uint64_t line_ = 0;
};

}  // namespace rcuvm::recording
