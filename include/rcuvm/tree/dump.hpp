// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A version as text, for people.
///
///   root: inner, 2 slots, 1 reference
///     [0] 0x0 - 0x3000, largest gap 0x1000: leaf, 3 slots, 1 reference
///       0x0 - 0x1000 gap
///       0x1000 - 0x3000 0x55d0c0de
///
/// dump_graphviz draws the same: `| dot -Tsvg > tree.svg`.

#include <cstdint>
#include <ios>
#include <ostream>
#include <string>

#include "rcuvm/base/range.hpp"
#include "rcuvm/tree/node.hpp"

namespace rcuvm::tree {

namespace detail {

/// Hexadecimal numbers, and the caller's format back at the end.
class hexadecimal {
 public:
  explicit hexadecimal(std::ostream& out) : out_{out}, before_{out.flags()} {
    out << std::hex << std::showbase;
  }
  ~hexadecimal() { out_.flags(before_); }
  hexadecimal(const hexadecimal&) = delete;
  hexadecimal& operator=(const hexadecimal&) = delete;

 private:
  std::ostream& out_;
  std::ios_base::fmtflags before_;
};

template <class Layout>
std::string describe(link<Layout> at) {
  const header& head = at.head();
  std::string text = at.level() == 0 ? "leaf, " : "inner, ";
  text += std::to_string(head.count) + " slots, ";
  if (head.is_building()) return text + "building";
  const std::uint32_t references = head.references.load_relaxed();
  return text + std::to_string(references) + (references == 1 ? " reference" : " references");
}

template <class Layout>
range slot_range(link<Layout> at, unsigned slot, range covered) noexcept {
  return at.level() == 0 ? range_of(at.as_leaf(), slot, covered) : range_of(at.as_inner(), slot, covered);
}

inline void print_record(std::ostream& out, const void* record) {
  if (record == nullptr)
    out << "gap";
  else
    out << reinterpret_cast<std::uintptr_t>(record);  // NOLINT: the address is the name
}

template <class Layout>
void dump_below(std::ostream& out, link<Layout> at, range covered, const std::string& indent) {
  out << describe(at) << '\n';
  for (unsigned i = 0; i < at.head().count; ++i) {
    const range where = slot_range(at, i, covered);
    if (at.level() == 0) {
      out << indent << where.start << " - " << where.end << ' ';
      print_record(out, at.as_leaf().slot[i]);
      out << '\n';
    } else {
      out << indent << '[' << std::to_string(i) << "] " << where.start << " - " << where.end
          << ", largest gap " << at.as_inner().gap[i].keys() << ": ";
      dump_below(out, at.child(i), where, indent + "  ");
    }
  }
}

template <class Layout>
void draw_below(std::ostream& out, link<Layout> at, range covered) {
  const auto name = [](link<Layout> node) { return "n" + std::to_string(node.word()); };
  out << "  " << name(at) << " [label=\"{" << describe(at) << "|{";
  for (unsigned i = 0; i < at.head().count; ++i) {
    const range where = slot_range(at, i, covered);
    out << (i == 0 ? "" : "|") << "<s" << std::to_string(i) << "> " << where.start << "\\n"
        << where.end << "\\n";
    if (at.level() != 0)
      out << "gap " << at.as_inner().gap[i].keys();
    else
      print_record(out, at.as_leaf().slot[i]);
  }
  out << "}}\"];\n";
  if (at.level() == 0) return;
  for (unsigned i = 0; i < at.head().count; ++i) {
    out << "  " << name(at) << ":s" << std::to_string(i) << " -> " << name(at.child(i)) << ";\n";
    draw_below(out, at.child(i), slot_range(at, i, covered));
  }
}

}  // namespace detail

template <class Layout>
void dump_text(std::ostream& out, link<Layout> root) {
  const detail::hexadecimal numbers{out};
  out << "root: ";
  if (root.is_null())
    out << "empty\n";
  else
    detail::dump_below(out, root, range{0, space_end}, "  ");
}

template <class Layout>
void dump_graphviz(std::ostream& out, link<Layout> root) {
  const detail::hexadecimal numbers{out};
  out << "digraph maple_tree {\n  node [shape=record, fontname=monospace, fontsize=10];\n";
  if (!root.is_null()) detail::draw_below(out, root, range{0, space_end});
  out << "}\n";
}

}  // namespace rcuvm::tree
