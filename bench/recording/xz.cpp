// SPDX-License-Identifier: Apache-2.0
#include "bench/recording/xz.hpp"

namespace rcuvm::recording {
namespace {

/// xz -9 needs 65 MiB; a header that asks for much more is damaged or hostile.
constexpr std::uint64_t memory_limit = std::uint64_t{256} << 20;

std::string_view reason_of(lzma_ret code) noexcept {
  switch (code) {
    case LZMA_BUF_ERROR: return "the .xz stream is cut off";
    case LZMA_DATA_ERROR: return "the .xz stream is corrupt";
    case LZMA_FORMAT_ERROR: return "this is no .xz stream";
    case LZMA_OPTIONS_ERROR: return "the .xz stream uses options that liblzma does not know";
    case LZMA_MEMLIMIT_ERROR: return "the .xz stream wants more than 256 MiB of memory";
    case LZMA_MEM_ERROR: return "no memory to unpack the .xz stream";
    default: return "liblzma failed";
  }
}

}  // namespace

xz_decoder::xz_decoder() noexcept : start_{lzma_stream_decoder(&stream_, memory_limit, LZMA_CONCATENATED)} {}

xz_decoder::~xz_decoder() { lzma_end(&stream_); }

std::expected<xz_decoder::progress, std::string_view> xz_decoder::decode(std::span<const std::byte> packed,
                                                                         std::span<char> text,
                                                                         input rest) noexcept {
  if (start_ != LZMA_OK) return std::unexpected{reason_of(start_)};
  stream_.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream_.avail_in = packed.size();
  stream_.next_out = reinterpret_cast<std::uint8_t*>(text.data());
  stream_.avail_out = text.size();
  const lzma_ret code = lzma_code(&stream_, rest == input::is_complete ? LZMA_FINISH : LZMA_RUN);
  if (code != LZMA_OK && code != LZMA_STREAM_END) return std::unexpected{reason_of(code)};
  return progress{.consumed = packed.size() - stream_.avail_in,
                  .produced = text.size() - stream_.avail_out,
                  .is_finished = code == LZMA_STREAM_END};
}

}  // namespace rcuvm::recording
