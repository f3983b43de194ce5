// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The rcuvm command line.

namespace rcuvm::cli {

/// What the program tells its caller.
enum exit_code : int {
  ok = 0,
  differences = 1,  ///< a comparison or a check found something
  bad_input = 2,    ///< wrong usage, or a file that cannot be read
  interrupted = 130,
};

/// The whole program: results on stdout, progress and errors on stderr. Returns an exit_code.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace rcuvm::cli
