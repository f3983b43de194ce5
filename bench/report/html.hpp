// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The report as one page: no script, no network, readable as it is.

#include <string>
#include <string_view>

#include "bench/report/campaign.hpp"
#include "bench/report/plots.hpp"

namespace rcuvm::report {

/// Text of a page: what has a meaning in HTML is escaped, bytes that are no UTF-8 are shown as U+FFFD. Names of files,
/// programs and recordings are other people's.
[[nodiscard]] std::string escape_html(std::string_view text);

/// The style sheet of the page.
extern const std::string_view page_style;

[[nodiscard]] std::string to_html(const campaign_result& from, const plot_set& plots);

}  // namespace rcuvm::report
