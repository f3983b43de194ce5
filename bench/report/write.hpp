// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "bench/report/campaign.hpp"

namespace rcuvm::report {

/// Why a report cannot be written to `folder`, before hours are spent on measuring; nothing when it can. A folder that
/// holds something else than a report is left alone.
[[nodiscard]] std::optional<std::string> obstacle_to_writing(const std::filesystem::path& folder);

/// Writes FOLDER/index.html, FOLDER/result.json and FOLDER/data/: complete, or not at all (made beside it, then renamed).
/// An older report there is replaced. Throws std::filesystem::filesystem_error, std::ios_base::failure.
void write_report(const campaign_result& from, const std::filesystem::path& folder);

}  // namespace rcuvm::report
