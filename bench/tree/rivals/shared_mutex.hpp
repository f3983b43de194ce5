// SPDX-License-Identifier: Apache-2.0
#pragma once

/// std::shared_mutex, for the rivals that people would write with it. The one file outside rcuvm::sync that has a lock of
/// the standard library: what the tree is measured against is not the tree with its own lock exchanged.

#include <mutex>
#include <shared_mutex>

namespace rcuvm::tree_bench {

using shared_mutex = std::shared_mutex;
using shared_guard = std::shared_lock<std::shared_mutex>;
using exclusive_guard = std::unique_lock<std::shared_mutex>;

}  // namespace rcuvm::tree_bench
