// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A run, told so that a person can follow it.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "explore/explorer.hpp"

namespace rcuvm::explore {

struct told_place {
  std::string function;  ///< short
  std::string file;      ///< from the root of the source tree; empty: not known
  int line = 0;
  std::string text;  ///< of that line; empty where the source is not at hand
  [[nodiscard]] std::string to_text() const { return file.empty() ? "" : file + ":" + std::to_string(line); }
};

struct story {
  struct row {
    enum class kind { step, plain, end };  ///< plain: a touch that is no step; end: where the run ended
    kind what_kind = kind::step;
    std::size_t number = 0;  ///< of a step, from 1, the quiet ones counted
    int thread = 0;
    std::string what;  ///< "load #2+8 → 5, acquire"
    told_place where = {};
  };
  /// A stack, with what happened there: "freed by writer".
  struct stack {
    std::string title;
    std::vector<told_place> frames;
  };
  struct object {
    std::string name;       ///< "#2"
    std::string type = {};  ///< empty: not known
    std::size_t bytes = 0;
    std::string allocated_by;
    std::string freed_by;  ///< empty: nobody
    told_place allocated_at = {};
  };

  std::vector<std::string> threads;
  std::vector<row> rows;
  std::vector<object> objects;
  finding_kind kind = finding_kind::none;
  std::string what;  ///< the finding's text, with the story's names
  std::vector<stack> stacks;
  bool has_lines = true;  ///< false: addr2line is missing
};

enum class telling {
  concurrent,  ///< from the start of the threads to their end
  whole,       ///< what the body does before and after, too
};

[[nodiscard]] story tell(const replayed& run, telling how = telling::concurrent);

/// As columns of threads. `replay` is the command that shows it again; empty: none. Lines are cut at `width`.
[[nodiscard]] std::string to_text(const story& from, std::string_view replay, std::size_t width);

/// $COLUMNS where it is set, else 140; within 80 to 200.
[[nodiscard]] std::size_t story_width();

}  // namespace rcuvm::explore
