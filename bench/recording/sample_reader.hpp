// SPDX-License-Identifier: Apache-2.0
#pragma once

/// NAME.maps.xz: what /proc/PID/maps showed while the program ran.
///
///   @@ pid=20656 t0=2390.415014706 t1=2390.415428522 vmas=200 comm=java
///   7f0175abf000-7f0175b00000 rw-p 00000000 00:00 0
///   ...

#include <expected>
#include <filesystem>
#include <vector>

#include "bench/recording/read_error.hpp"
#include "bench/recording/recording.hpp"

namespace rcuvm::recording {

/// By start_ns; space, verdict and events_before are not set yet. A text with fewer lines than its header says is
/// cut off, so an error.
[[nodiscard]] std::expected<std::vector<maps_sample>, read_error> read_samples(
    const std::filesystem::path& path);

}  // namespace rcuvm::recording
