// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The command line `rcuvm explore`.

namespace rcuvm::explore::cli {

/// What the program tells its caller; the same numbers as rcuvm's.
enum exit_code : int {
  as_expected = 0,
  not_as_expected = 1,
  bad_input = 2,  ///< wrong usage; an unknown scenario, design or mutation; a schedule that is none
};

/// The whole program: results on stdout, progress and errors on stderr. Returns an exit_code.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace rcuvm::explore::cli
