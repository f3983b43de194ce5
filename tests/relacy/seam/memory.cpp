// SPDX-License-Identifier: Apache-2.0
/// The allocations of the code under test: plain malloc, which Relacy does not see. A search that fails leaves what it
/// had.

#include <cstdlib>

#include "rcuvm/sync/memory.hpp"

namespace rcuvm::sync::memory {

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void deallocate(void* object, std::size_t /*bytes*/, std::size_t /*alignment*/) noexcept {
  std::free(object);
}

}  // namespace rcuvm::sync::memory
