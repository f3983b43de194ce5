// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Takes one ordering out of the real source, without a switch in it: by the pair tag that stands beside the access.
///
///   count_.store_release(before + 1);  // seq.W2 -> seq.R1      weakening{"include/.../seqcount.hpp", "seq.W2"}:
///                                                               the operation on this line is a store_relaxed

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/relacy/seam/engine.hpp"

namespace rcuvm::relacy {

using tagged_lines = std::map<std::string, std::vector<unsigned>>;

/// The tags that accesses of a file carry as their own (those before an arrow), and the lines of these accesses. A tag
/// on a line without code belongs to the next line.
[[nodiscard]] inline tagged_lines tags_of(const std::string& file) {
  static const std::regex own{R"(([a-z_]+\.[A-Z][0-9]+) *(<->|->|<-))"};
  std::ifstream source{RCUVM_SOURCE_DIR "/" + file};
  tagged_lines found;
  std::string line;
  for (unsigned number = 1; std::getline(source, line); ++number) {
    const std::size_t comment = line.find("//");
    if (comment == std::string::npos || line.find("///") != std::string::npos) continue;
    const bool has_code = line.find_first_not_of(' ') != comment;
    const std::string text = line.substr(comment);
    for (std::sregex_iterator each{text.begin(), text.end(), own}, end; each != end; ++each) {
      std::vector<unsigned>& lines = found[each->str(1)];
      const unsigned at = has_code ? number : number + 1;
      if (std::ranges::find(lines, at) == lines.end()) lines.push_back(at);
    }
  }
  return found;
}

/// For its scope, the accesses with a tag are weaker than they are written.
class weakening {
 public:
  enum class how {
    relaxed,          ///< without their order, fences left out
    without_acquire,  ///< of acq_rel the release half is left
    without_release,  ///< of acq_rel the acquire half is left
    torn,             ///< a read-modify-write is a load and then a store
  };

  weakening(std::string file, const std::string& tag, how what = how::relaxed)
      : file_{std::move(file)}, lines_{tags_of(file_)[tag]}, how_{what} {
    current_ = this;
  }
  ~weakening() { current_ = nullptr; }
  weakening(const weakening&) = delete;
  weakening& operator=(const weakening&) = delete;

  [[nodiscard]] bool is_of_any_line() const noexcept { return !lines_.empty(); }

  /// What is left of the order of the access there.
  [[nodiscard]] static rl::memory_order order_of(rl::memory_order written, const place& where) noexcept {
    if (!is_of(where)) return written;
    const bool keeps_acquire = current_->how_ == how::without_release || current_->how_ == how::torn;
    const bool keeps_release = current_->how_ == how::without_acquire || current_->how_ == how::torn;
    const bool acquires = keeps_acquire && (written == rl::mo_acquire || written == rl::mo_acq_rel);
    const bool releases = keeps_release && (written == rl::mo_release || written == rl::mo_acq_rel);
    if (acquires) return releases ? rl::mo_acq_rel : rl::mo_acquire;
    return releases ? rl::mo_release : rl::mo_relaxed;
  }
  [[nodiscard]] static bool is_torn(const place& where) noexcept {
    return is_of(where) && current_->how_ == how::torn;
  }

 private:
  [[nodiscard]] static bool is_of(const place& where) noexcept {
    return current_ != nullptr &&
           std::ranges::find(current_->lines_, where.line()) != current_->lines_.end() &&
           std::string_view{where.file_name()}.ends_with(current_->file_);
  }

  static inline const weakening* current_ = nullptr;
  const std::string file_;
  const std::vector<unsigned> lines_;
  const how how_;
};

}  // namespace rcuvm::relacy
