// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/line_reader.hpp"

#include <cerrno>
#include <cstring>
#include <span>

namespace rcuvm::recording {
namespace {

constexpr std::size_t packed_buffer = std::size_t{64} << 10;
constexpr std::size_t text_buffer = std::size_t{256} << 10;
/// The kernel's own lines stay below 5 kB; past this it is no text, and memory must not grow with it.
constexpr std::size_t longest_line = std::size_t{1} << 20;

}  // namespace

std::expected<line_reader, read_error> line_reader::open(const std::filesystem::path& path) {
  // fopen opens a folder too; reading it fails later with a reason of its own.
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return std::unexpected{read_error{.file = path.string(), .line = 0, .reason = std::strerror(errno)}};
  }
  return line_reader{path, file};
}

line_reader::line_reader(const std::filesystem::path& path, std::FILE* file)
    : name_{path.string()}, file_{file}, text_(text_buffer) {
  if (path.extension() == ".xz") {
    decoder_ = std::make_unique<xz_decoder>();
    packed_.resize(packed_buffer);
  }
}

std::unexpected<read_error> line_reader::error_here(std::string reason) const {
  return std::unexpected{read_error{.file = name_, .line = line_, .reason = std::move(reason)}};
}

std::expected<std::optional<std::string_view>, read_error> line_reader::next() {
  std::size_t searched = text_at_;
  while (true) {
    const void* const found = std::memchr(text_.data() + searched, '\n', text_end_ - searched);
    if (found != nullptr) {
      const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
      const std::string_view line{text_.data() + text_at_, end - text_at_};
      text_at_ = end + 1;
      ++line_;
      return line;
    }
    searched = text_end_ - text_at_;  // fill() moves what is left to the front
    const auto has_more = fill();
    if (!has_more) return std::unexpected{has_more.error()};
    if (!*has_more) {
      if (text_at_ == text_end_) return std::nullopt;
      ++line_;
      return error_here("the file is cut off inside this line");
    }
  }
}

std::expected<bool, read_error> line_reader::fill() {
  if (is_finished_) return false;
  std::memmove(text_.data(), text_.data() + text_at_, text_end_ - text_at_);
  text_end_ -= text_at_;
  text_at_ = 0;
  if (text_end_ == text_.size()) {
    if (text_.size() >= longest_line) {
      ++line_;
      return error_here("no end of line within 1 MiB: this is no recording");
    }
    text_.resize(text_.size() * 2);
  }
  const std::span<char> into{text_.data() + text_end_, text_.size() - text_end_};
  const auto got = decoder_ ? read_packed(into) : read_plain(into);
  if (!got) {
    ++line_;  // the line that could not be completed
    return error_here(got.error());
  }
  text_end_ += *got;
  is_finished_ = *got == 0;
  return !is_finished_;
}

std::expected<std::size_t, std::string> line_reader::read_plain(std::span<char> into) {
  const std::size_t got = std::fread(into.data(), 1, into.size(), file_.get());
  if (got == 0 && std::ferror(file_.get()) != 0) return std::unexpected{std::string{std::strerror(errno)}};
  return got;
}

std::expected<std::size_t, std::string> line_reader::read_packed(std::span<char> into) {
  while (true) {
    if (packed_at_ == packed_end_ && !is_packed_complete_) {
      packed_at_ = 0;
      packed_end_ = std::fread(packed_.data(), 1, packed_.size(), file_.get());
      if (std::ferror(file_.get()) != 0) return std::unexpected{std::string{std::strerror(errno)}};
      is_packed_complete_ = std::feof(file_.get()) != 0;
    }
    const auto step =
        decoder_->decode({packed_.data() + packed_at_, packed_end_ - packed_at_}, into,
                         is_packed_complete_ ? xz_decoder::input::is_complete : xz_decoder::input::has_more);
    if (!step) return std::unexpected{std::string{step.error()}};
    packed_at_ += step->consumed;
    if (step->produced > 0 || step->is_finished) return step->produced;
  }
}

}  // namespace rcuvm::recording
