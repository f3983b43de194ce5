// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "bench/recording/recording.hpp"

namespace rcuvm::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view bundled = "data/recordings";

/// The first of NAME.SUFFIX and NAME.SUFFIX.xz that is there.
fs::path find_companion(const fs::path& folder, const std::string& name, std::string_view suffix) {
  std::error_code ignored;
  for (const std::string_view packing : {std::string_view{".xz"}, std::string_view{}}) {
    const fs::path candidate = folder / (name + std::string{suffix} + std::string{packing});
    if (fs::is_regular_file(candidate, ignored)) return candidate;
  }
  return {};
}

std::optional<location> find_in(const fs::path& folder, const std::string& name) {
  location found{.name = name,
                 .events = find_companion(folder, name, ".perf"),
                 .maps = find_companion(folder, name, ".maps"),
                 .segments = find_companion(folder, name, ".elf"),
                 .about = find_companion(folder, name, ".meta")};
  if (found.events.empty()) return std::nullopt;
  return found;
}

/// NAME of "NAME.perf" and "NAME.perf.xz"; empty for another file.
std::string recording_name(const fs::path& file) {
  std::string name = file.filename().string();
  for (const std::string_view suffix : {std::string_view{".perf.xz"}, std::string_view{".perf"}}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return {};
}

/// The source tree: upwards from the working folder, then from the program.
fs::path find_source_tree() {
  std::error_code ignored;
  for (const fs::path& from : {fs::current_path(ignored), fs::read_symlink("/proc/self/exe", ignored)}) {
    for (fs::path at = from; !at.empty(); at = at.parent_path()) {
      if (fs::is_directory(at / bundled, ignored)) return at;
      if (at == at.root_path()) break;
    }
  }
  return {};
}

}  // namespace

std::filesystem::path bundled_folder() {
  if (const char* const named = std::getenv("RCUVM_RECORDINGS")) return named;
  const fs::path tree = find_source_tree();
  return tree.empty() ? fs::path{} : tree / bundled;
}

std::filesystem::path shared_folder() {
  const fs::path tree = find_source_tree();
  return tree.empty() ? fs::path{} : tree.parent_path() / "shared/traces/perf";
}

std::vector<location> list(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator at{folder, failure}, end; !failure && at != end; at.increment(failure)) {
    std::string name = recording_name(at->path());
    if (!name.empty()) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  std::vector<location> found;
  for (const std::string& name : names) {
    if (auto one = find_in(folder, name)) found.push_back(std::move(*one));
  }
  return found;
}

std::expected<location, read_error> locate(std::string_view name_or_path) {
  const fs::path given{name_or_path};
  const std::string file_name = recording_name(given);
  if (!file_name.empty() || given.has_parent_path()) {
    const std::string name = file_name.empty() ? given.filename().string() : file_name;
    if (auto found = find_in(given.parent_path(), name)) return *std::move(found);
    return std::unexpected{read_error{.file = std::string{name_or_path},
                                      .line = 0,
                                      .reason = "there is no NAME.perf.xz or NAME.perf there"}};
  }
  std::string searched;
  for (const fs::path& folder : {bundled_folder(), shared_folder()}) {
    if (folder.empty()) continue;
    if (auto found = find_in(folder, given.string())) return *std::move(found);
    searched += (searched.empty() ? "" : ", ") + folder.string();
  }
  return std::unexpected{
      read_error{.file = std::string{name_or_path}, .line = 0, .reason = "no such recording in " + searched}};
}

}  // namespace rcuvm::recording
