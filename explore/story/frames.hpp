// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where in the source an address of this program comes from.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "explore/engine/trace.hpp"

namespace rcuvm::explore {

struct frame {
  std::string function;  ///< demangled, whole; empty: not known
  std::string file;      ///< from the root of the source tree, else absolute; empty: not known
  int line = 0;
  bool is_plumbing =
      true;  ///< sync, the engine, the C++ library: what a reader of the story does not ask about
};

/// The frames of return addresses, inlined ones too.
///
///   add()  every stack that will be asked for
///   resolve()  one run of addr2line for all of them
///   frames_of(), place_of()
class call_frames {
 public:
  void add(const call_stack& stack);
  /// False: there is no addr2line; frames are addresses then.
  bool resolve();

  /// The innermost first, plumbing included.
  [[nodiscard]] std::vector<frame> frames_of(const call_stack& stack) const;
  /// Without the plumbing; those of sync where nothing else is left.
  [[nodiscard]] std::vector<frame> own_frames_of(const call_stack& stack) const;
  /// The innermost frame that is no plumbing; without a line when there is none.
  [[nodiscard]] frame place_of(const call_stack& stack) const;

 private:
  std::set<std::uintptr_t> wanted_;  // from the program's load address
  std::map<std::uintptr_t, std::vector<frame>> known_;
  bool has_lines_ = false;
};

/// "unlink_and_free::{lambda#2}" for "void rcuvm::explore::(anonymous namespace)::unlink_and_free<...>()::{lambda()#2}::operator()() const".
[[nodiscard]] std::string short_function(std::string_view demangled);
/// The type that an allocation is for, as far as make<T>() and its like among its frames tell; else empty.
[[nodiscard]] std::string allocated_type(const std::vector<frame>& frames);

}  // namespace rcuvm::explore
