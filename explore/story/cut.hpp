// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Texts in columns of a terminal, in UTF-8.

#include <cstddef>
#include <string>
#include <string_view>

namespace rcuvm::explore {

/// Columns that a text takes: its bytes, but for those that continue a character.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;
/// The beginning of a text that is too wide, with an ellipsis.
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);
/// Its end: for paths.
[[nodiscard]] std::string cut_front(std::string_view text, std::size_t width);
/// With blanks up to the width.
[[nodiscard]] std::string filled(std::string text, std::size_t width);

}  // namespace rcuvm::explore
