// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the commands share.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/recording/recording.hpp"
#include "bench/workload/scenario.hpp"
#include "rcuvm/sync/rwsem.hpp"

namespace rcuvm::cli {

/// Wrong usage or bad input: the text goes to stderr, the program ends with exit_code::bad_input.
class refusal : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where the explorer lies: beside this program.
[[nodiscard]] std::filesystem::path explorer_path();

// Each adds its subcommand to the program; running it sets `code`.
void add_designs(CLI::App& program, int& code);
void add_diff_kernel(CLI::App& program, int& code);
void add_grace_curve(CLI::App& program, int& code);
void add_maps(CLI::App& program, int& code);
void add_replay(CLI::App& program, int& code);
void add_review(CLI::App& program, int& code);
void add_workload(CLI::App& program, int& code);

/// For the list of subcommands alone: the explorer reads its command line itself.
void add_explore(CLI::App& program);
[[nodiscard]] bool is_explore(int argc, const char* const* argv);
/// Runs the program rcuvm-explore beside this one in its place. Throws refusal when it is not there.
void become_explorer(int argc, const char* const* argv);

/// The designs of a comma-separated list, or all for "all", in the order of all tables. Throws refusal naming the known.
[[nodiscard]] std::vector<std::string> designs_named(const std::string& list);

/// Reads recordings by name or path. Throws refusal naming the known ones, or with file, line and reason.
[[nodiscard]] std::vector<recording::trace> read_traces(const std::vector<std::string>& names_or_paths);

/// A workload by name or path. Throws refusal naming the known ones, or what is wrong with the file.
[[nodiscard]] workload::scenario read_workload(const std::string& name);

/// The names of the workloads that come with the program.
[[nodiscard]] std::vector<std::string> known_workloads();

/// --readers of a command that measures.
void add_readers(CLI::App& command, sync::reader_wait& into);

/// At least two, so that somebody waits for somebody; at most what a machine of the model has.
[[nodiscard]] std::uint32_t default_workers();

}  // namespace rcuvm::cli
