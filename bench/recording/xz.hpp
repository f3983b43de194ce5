// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Unpacks an .xz stream as it is read, so that a recording of any size needs a buffer only.

#include <lzma.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace rcuvm::recording {

/// Confined to one thread.
class xz_decoder {
 public:
  enum class input : unsigned char { has_more, is_complete };
  struct progress {
    std::size_t consumed = 0;  ///< bytes of packed input
    std::size_t produced = 0;  ///< bytes of text
    bool is_finished = false;
  };

  xz_decoder() noexcept;
  ~xz_decoder();
  xz_decoder(const xz_decoder&) = delete;
  xz_decoder& operator=(const xz_decoder&) = delete;

  /// Unpacks as much of `packed` as fits `text`. An error is a literal: "cut off", "corrupt data", ...
  [[nodiscard]] std::expected<progress, std::string_view> decode(std::span<const std::byte> packed,
                                                                 std::span<char> text, input rest) noexcept;

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret start_;
};

}  // namespace rcuvm::recording
