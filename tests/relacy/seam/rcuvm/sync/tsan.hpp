// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands in for include/rcuvm/sync/tsan.hpp: this program is not built for ThreadSanitizer.

namespace rcuvm::sync::tsan {

inline void acquire(void* /*token*/) noexcept {}
inline void release(void* /*token*/) noexcept {}

}  // namespace rcuvm::sync::tsan
