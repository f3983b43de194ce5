// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What RCU itself costs, and what the figures were measured with.

#include <cstdint>

namespace rcuvm::tree_bench {

/// read_section/FLAVOUR: an empty read section, of the flavour that this program was built with.
void add_read_section_benchmark();

/// Into the context of the JSON: flavour, compiler, flags, the kernel's version, seed.
void describe_run(std::uint64_t seed);

}  // namespace rcuvm::tree_bench
