// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Everything at once.

namespace rcuvm::explore::cli {

// Each prints to stdout and returns an exit_code.

/// All scenarios, with what is expected of each design, and all mutations.
[[nodiscard]] int print_list(bool is_json);
/// Every scenario under every design, as `./dev test` runs them.
[[nodiscard]] int ask_all(bool is_json);
/// Each mutation in the scenario that catches it.
[[nodiscard]] int ask_mutations(bool is_json);

/// Shared-memory traffic of each operation under every design.
[[nodiscard]] int print_traffic(bool is_json);

}  // namespace rcuvm::explore::cli
