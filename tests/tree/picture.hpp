// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Trees drawn as strings: one character a key, from key 0.
///
///   "AAA.BBCC"   A over [0, 3), a gap, B over [4, 6), C over [6, 8), a gap from 8 on
///
/// In a change, a space leaves what is there, '*' erases:
///
///   AAA.BBCC
///    NNN **      apply() stores N over [1, 4) and makes a gap of [6, 8)
///   ANNNBB..

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "rcuvm/maple_tree.hpp"

namespace rcuvm::tree::testing {

/// A record that is its letter.
struct letter {
  char is;
};

/// The one record of that letter.
inline letter* record_of(char is) {
  static std::array<letter, 128> all = [] {
    std::array<letter, 128> made{};
    for (std::size_t i = 0; i < made.size(); ++i) made[i].is = static_cast<char>(i);
    return made;
  }();
  return &all[static_cast<unsigned char>(is)];
}

/// Calls f(where, letter) for each run of equal characters, left to right.
template <class F>
void for_each_run(std::string_view picture, F f) {
  for (std::size_t start = 0; start < picture.size();) {
    std::size_t end = start;
    while (end < picture.size() && picture[end] == picture[start]) ++end;
    f(range{start, end}, picture[start]);
    start = end;
  }
}

/// Stores the picture of a change. False: a store failed, those before it are in.
template <class Transaction>
[[nodiscard]] bool apply(Transaction& change, std::string_view picture) {
  bool is_stored = true;
  for_each_run(picture, [&](range where, char is) {
    if (is == ' ' || !is_stored) return;
    is_stored = change.store(where, is == '*' || is == '.' ? nullptr : record_of(is)).has_value();
  });
  return is_stored;
}

/// The first `width` keys as a picture.
template <class View>
[[nodiscard]] std::string draw_keys(const View& view, std::size_t width) {
  std::string picture;
  for (std::uint64_t key = 0; key < width; ++key) {
    const letter* at = view.find(key);
    picture += at == nullptr ? '.' : at->is;
  }
  return picture;
}

/// A tree with its lock, its limbo, and what one thread of a test does with it.
template <class Layout = small_layout>
class drawn_tree {
 public:
  using tree_type = maple_tree<letter, Layout>;

  explicit drawn_tree(std::string_view picture = "") { change(picture); }

  /// A transaction with the changes of the picture, committed.
  void change(std::string_view picture) {
    const sync::write_section writing{lock_};
    auto transaction = tree_.begin(writing);
    ASSERT_TRUE(apply(transaction, picture));
    transaction.commit();
    const auto sound = tree_.verify(writing);
    ASSERT_TRUE(sound) << sound.error();
  }

  [[nodiscard]] std::string draw(std::size_t width) { return draw_keys(read(), width); }
  /// Valid until the next change.
  [[nodiscard]] typename tree_type::view read() {
    const sync::write_section writing{lock_};
    return tree_.read(writing);
  }
  [[nodiscard]] tree_type& tree() { return tree_; }
  [[nodiscard]] sync::mutex& lock() { return lock_; }
  [[nodiscard]] reclaim::limbo& limbo() { return limbo_; }

 private:
  reclaim::limbo limbo_;
  sync::mutex lock_;
  tree_type tree_{limbo_};
};

}  // namespace rcuvm::tree::testing
