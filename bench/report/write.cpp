// SPDX-License-Identifier: Apache-2.0
#include "bench/report/write.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "bench/report/html.hpp"
#include "bench/report/plots.hpp"
#include "bench/report/write_file.hpp"

namespace rcuvm::report {

namespace {

namespace fs = std::filesystem;

constexpr const char* result_name = "result.json";
constexpr const char* page_name = "index.html";

fs::path without_slash(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

bool is_free_or_a_report(const fs::path& folder) {
  return !fs::exists(folder) ||
         (fs::is_directory(folder) && (fs::is_empty(folder) || fs::exists(folder / result_name)));
}

/// A folder that goes away with everything in it unless it was given its final name.
class unfinished_folder {
 public:
  explicit unfinished_folder(fs::path where) : where_{std::move(where)} {
    fs::remove_all(where_);
    fs::create_directories(where_);
  }
  ~unfinished_folder() {
    std::error_code ignored;  // a destructor has nobody to tell
    if (!where_.empty()) fs::remove_all(where_, ignored);
  }
  unfinished_folder(const unfinished_folder&) = delete;
  unfinished_folder& operator=(const unfinished_folder&) = delete;

  [[nodiscard]] const fs::path& path() const noexcept { return where_; }
  void rename_to(const fs::path& final) {
    fs::rename(where_, final);
    where_.clear();
  }

 private:
  fs::path where_;
};

fs::path sibling(const fs::path& folder, const char* kind) {
  return folder.parent_path() / fmt::format(".{}.{}-{}", folder.filename().string(), kind, ::getpid());
}

}  // namespace

std::optional<std::string> obstacle_to_writing(const fs::path& folder) {
  std::error_code failure;
  const fs::path target = without_slash(folder);
  if (!is_free_or_a_report(target))
    return target.string() + ": exists and is no report; give another place with -o";
  fs::create_directories(target.parent_path(), failure);
  if (failure) return target.parent_path().string() + ": " + failure.message();
  if (::access(target.parent_path().c_str(), W_OK) != 0)
    return target.parent_path().string() + ": cannot be written to";
  return std::nullopt;
}

void write_report(const campaign_result& from, const fs::path& folder) {
  const fs::path target = without_slash(folder);
  if (!is_free_or_a_report(target)) {
    throw fs::filesystem_error{"exists and is no report", target,
                               std::make_error_code(std::errc::file_exists)};
  }
  fs::create_directories(target.parent_path());
  unfinished_folder made{sibling(target, "new")};
  write_file(made.path() / result_name, to_json(from.data));
  const plot_set plots = draw_plots(from, made.path() / "data");
  write_file(made.path() / page_name, to_html(from, plots));
  if (!fs::exists(target)) {
    made.rename_to(target);
    return;
  }
  const fs::path old = sibling(target, "old");
  fs::remove_all(old);
  fs::rename(target, old);
  try {
    made.rename_to(target);
  } catch (...) {
    fs::rename(old, target);
    throw;
  }
  fs::remove_all(old);
}

}  // namespace rcuvm::report
