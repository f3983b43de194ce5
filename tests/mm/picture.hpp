// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Address spaces drawn as strings: one character a page, from page 0 of the picture.
///
///   "AAA.BB|BBcd"   AAA   one anonymous private mapping, read and write
///                   .     nothing is mapped
///                   BB|BB two mappings that look alike and are separate: each has pages of its own
///                   cd    a private mapping of pages 2 and 3 of the test's file
///
///   A rw   B r   C rx   D no access   E rwx   L rw and locked   G rw and grows down   S rw, shared, anonymous
///   a...z  pages 0 to 25 of the file, private, rw         0...9  its pages 0 to 9, shared, rw
///   ?      anything that no letter stands for
///
/// Page 8 of a picture lies behind a border of page tables of all levels.

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "rcuvm/designs/designs.hpp"
#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/mm/rules.hpp"

namespace rcuvm::mm::testing {

inline constexpr address picture_base = 0x7f00'0000'0000 - 8 * page_size;
inline constexpr std::size_t picture_pages = 64;

/// The address of page `index` of the picture; -1 is the page before it.
[[nodiscard]] constexpr address page_at(std::int64_t index) {
  return picture_base + static_cast<std::uint64_t>(index) * page_size;
}
[[nodiscard]] constexpr range pages(std::int64_t first, std::int64_t end) {
  return {page_at(first), page_at(end)};
}

struct letter {
  char is;
  vm::protection protection;
  map_flags flags;
};

inline const vm::protection can_read{vm::prot::read};
inline const vm::protection can_write{vm::prot::read, vm::prot::write};
inline const vm::protection can_exec{vm::prot::read, vm::prot::exec};
inline const vm::protection can_all{vm::prot::read, vm::prot::write, vm::prot::exec};
inline const vm::protection can_nothing{};

/// The letters of anonymous mappings.
inline const std::array<letter, 8> letters{{{'A', can_write, {}},
                                            {'B', can_read, {}},
                                            {'C', can_exec, {}},
                                            {'D', can_nothing, {}},
                                            {'E', can_all, {}},
                                            {'L', can_write, map_flag::locked},
                                            {'G', can_write, map_flag::grows_down},
                                            {'S', can_write, map_flag::shared}}};

[[nodiscard]] inline const letter& letter_of(char is) {
  for (const letter& each : letters) {
    if (each.is == is) return each;
  }
  throw std::invalid_argument{std::string{"no mapping looks like "} + is};
}

/// "ok", or the name of the errno.
template <class T>
[[nodiscard]] std::string outcome(const result<T>& of) {
  return of ? "ok" : std::string{of.error().name()};
}

/// What processes share: a machine with real memory, one cpu, and a file of 26 pages. Page n begins with the n-th letter.
class world {
 public:
  explicit world(vm::machine_options options = {.frames = 2048, .backing = vm::frame_pool::backing::real})
      : machine{options} {}

  /// Call when all processes are gone: everything was freed, once. "" when that is so.
  [[nodiscard]] std::string leaks() {
    std::string found;
    machine.limbo().drain();
    const auto limbo = machine.limbo().read_statistics();
    if (limbo.retired != limbo.freed || limbo.objects != 0 || limbo.bytes != 0)
      found += "limbo is not empty; ";
    if (file.use_count() != 1) found += "a VMA record of the file is left; ";
    file.reset();
    machine.frames().drain(cpu.stock);
    if (machine.frames().in_use() != 0)
      found += std::to_string(machine.frames().in_use()) + " frames are in use; ";
    return found;
  }

  sync::rcu::registration here{"test"};
  vm::machine machine;
  vm::cpu cpu{machine};
  std::shared_ptr<vm::file> file =
      std::make_shared<vm::file>(vm::file_identity{.name = "/test", .inode = 7}, 26 * page_size);
};

/// One address space, called and drawn in pages.
template <class Design>
class process {
 public:
  using space_type = address_space<Design>;

  explicit process(world& in, std::string_view picture = "", mm::layout where = {})
      : world_{&in}, space_{std::make_unique<space_type>(in.machine, where)} {
    build(picture);
  }
  process(world& in, std::unique_ptr<space_type> of) : world_{&in}, space_{std::move(of)} {}

  [[nodiscard]] space_type& space() { return *space_; }
  [[nodiscard]] vm::cpu& cpu() { return world_->cpu; }
  [[nodiscard]] process fork() { return process{*world_, space_->fork(cpu())}; }

  // Calls.

  /// MAP_FIXED of what `is` stands for; `flags` are added.
  std::string map(std::int64_t first, std::int64_t end, char is, map_flags flags = map_flag::fixed) {
    return outcome(space_->map(cpu(), request(first, end, is, flags)));
  }
  std::string unmap(std::int64_t first, std::int64_t end) {
    return outcome(space_->unmap(cpu(), pages(first, end)));
  }
  std::string protect(std::int64_t first, std::int64_t end, vm::protection to) {
    return outcome(space_->protect(cpu(), pages(first, end), to));
  }
  std::string advise(std::int64_t first, std::int64_t end, int advice) {
    return outcome(space_->advise(cpu(), pages(first, end), advice));
  }
  /// mremap with MREMAP_MAYMOVE | MREMAP_FIXED.
  std::string move(std::int64_t first, std::int64_t end, std::int64_t to, std::int64_t to_end,
                   remap_flags flags = {}) {
    return outcome(space_->remap(cpu(), {.old_address = page_at(first),
                                         .old_length = pages(first, end).size(),
                                         .new_length = pages(to, to_end).size(),
                                         .flags = flags.with({remap_flag::may_move, remap_flag::fixed}),
                                         .new_address = page_at(to)}));
  }
  /// mremap without flags.
  std::string resize(std::int64_t first, std::int64_t end, std::int64_t new_end) {
    return outcome(space_->remap(cpu(), {.old_address = page_at(first),
                                         .old_length = pages(first, end).size(),
                                         .new_length = pages(first, new_end).size()}));
  }
  /// A fault of each page.
  std::string touch(std::int64_t first, std::int64_t end, vm::access wanted = vm::access::write) {
    for (std::int64_t page = first; page < end; ++page) {
      if (auto done = space_->fault(cpu(), page_at(page), wanted); !done) return outcome(done);
    }
    return "ok";
  }
  [[nodiscard]] map_request request(std::int64_t first, std::int64_t end, char is, map_flags flags) {
    map_request made{
        .hint = page_at(first), .length = pages(first, end).size(), .protection = can_write, .flags = flags};
    if (std::isdigit(static_cast<unsigned char>(is)) != 0) {
      made.flags = flags.with(map_flag::shared);
      made.file = world_->file;
      made.offset = static_cast<std::uint64_t>(is - '0') * page_size;
    } else if (std::islower(static_cast<unsigned char>(is)) != 0) {
      made.file = world_->file;
      made.offset = static_cast<std::uint64_t>(is - 'a') * page_size;
    } else {
      made.protection = letter_of(is).protection;
      made.flags = flags.with(letter_of(is).flags);
    }
    return made;
  }

  // Pictures.

  /// Maps what the picture shows.
  void build(std::string_view picture) {
    std::int64_t page = 0;
    for (std::size_t at = 0; at < picture.size();) {
      const char first = picture[at];
      std::size_t end = at + 1;
      while (end < picture.size() && continues(picture[end - 1], picture[end])) ++end;
      const auto count = static_cast<std::int64_t>(end - at);
      if (first == '|') {
        ++at;
        continue;
      }
      if (first != '.') {
        const bool is_apart = at > 0 && picture[at - 1] == '|' && first != 'S';
        if (is_apart) {
          build_apart(page, page + count, first);
        } else {
          EXPECT_EQ(map(page, page + count, first), "ok") << picture;
        }
      }
      page += count;
      at = end;
    }
    std::string wanted{picture};
    wanted.erase(wanted.find_last_not_of('.') + 1);
    EXPECT_EQ(draw(), wanted) << "built otherwise";
  }

  /// All of the picture that is mapped, without the dots at its end. Also verifies the address space.
  [[nodiscard]] std::string draw() {
    if (!space_->verify()) return "the address space is not sound";
    std::string picture;
    address reached = picture_base;
    space_->walk_snapshot([&](const vm::vma& one) {
      if (!pages(0, picture_pages).overlaps(one.where())) return;
      const bool touches = one.where().start == reached && !picture.empty();
      picture.append((one.where().start - reached) >> page_shift, '.');
      const std::string shown = show(one);
      if (touches && continues(picture.back(), shown.front())) picture += '|';
      picture += shown;
      reached = one.where().end;
    });
    return picture;
  }

  /// Writes a character into each page; '.' leaves it.
  std::string fill(std::string_view text, std::int64_t first = 0) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '.') continue;
      const auto byte = static_cast<std::byte>(text[i]);
      const auto done = space_->write(cpu(), page_at(first + static_cast<std::int64_t>(i)), {&byte, 1});
      if (!done) return outcome(done);
    }
    return "ok";
  }

  /// The character in each page, up to the last that is mapped: '0' zero, '.' not mapped, '-' no access.
  [[nodiscard]] std::string text() {
    std::string shown;
    for (std::size_t page = 0; page < picture_pages; ++page) {
      std::byte byte{};
      const auto done = space_->read(cpu(), page_at(static_cast<std::int64_t>(page)), {&byte, 1});
      if (!done) {
        shown += done.error().number() == EACCES ? '-' : '.';
      } else {
        shown += byte == std::byte{0} ? '0' : static_cast<char>(byte);
      }
    }
    shown.erase(shown.find_last_not_of('.') + 1);
    return shown;
  }

 private:
  /// May `right` belong to the same mapping as `left` before it?
  [[nodiscard]] static bool continues(char left, char right) {
    const bool is_page = std::isdigit(static_cast<unsigned char>(right)) != 0 ||
                         std::islower(static_cast<unsigned char>(right)) != 0;
    return is_page ? right == left + 1 && left != '9' : left == right;
  }

  [[nodiscard]] std::string show(const vm::vma& one) {
    const vm::vma_fields& fields = one.fields();
    const std::size_t count = fields.where.size() >> page_shift;
    std::string shown(count, '?');
    const auto looks_as = [&](char is) {
      const auto wanted = fields_of(request(0, 1, is, {}), fields.where).flags;
      return wanted.without(vm::vma_flag::accounted) == fields.flags.without(vm::vma_flag::accounted);
    };
    if (fields.backing == world_->file) {
      const char first = looks_as('a') ? 'a' : looks_as('0') ? '0' : '?';
      if (first == '?') return shown;
      for (std::size_t i = 0; i < count; ++i)
        shown[i] = static_cast<char>(first + static_cast<int>(fields.page_offset + i));
      return shown;
    }
    for (const letter& each : letters) {
      if (looks_as(each.is)) return std::string(count, each.is);
    }
    return shown;
  }

  /// A mapping that its lower neighbour cannot be merged with: its pages were first mapped elsewhere.
  void build_apart(std::int64_t first, std::int64_t end, char is) {
    const std::int64_t aside = static_cast<std::int64_t>(picture_pages) + 1000 + 2 * first;
    const bool is_of_file = std::islower(static_cast<unsigned char>(is)) != 0;
    if (is_of_file) {
      EXPECT_EQ(touch(first - 1, first),
                "ok");  // the offsets fit, so the neighbour needs pages of its own, too
    }
    EXPECT_EQ(map(aside, aside + end - first, is_of_file ? is : 'A'), "ok");
    EXPECT_EQ(touch(aside, aside + 1), "ok");
    if (!is_of_file) {
      EXPECT_EQ(protect(aside, aside + end - first, letter_of(is).protection), "ok");
    }
    EXPECT_EQ(move(aside, aside + end - first, first, end), "ok");
  }

  world* world_;
  std::unique_ptr<space_type> space_;
};

/// A test under each design. What it maps must be gone in the end: nothing may leak.
template <class Design>
class mm_test : public ::testing::Test {
 protected:
  using process_type = process<Design>;

  [[nodiscard]] process_type make(std::string_view picture, mm::layout where = {}) {
    return process_type{world_, picture, where};
  }
  void TearDown() override { EXPECT_EQ(world_.leaks(), ""); }

  world world_;
};

template <class Tuple>
struct as_types;
template <class... Design>
struct as_types<std::tuple<Design...>> {
  using type = ::testing::Types<Design...>;
};
using all_designs = as_types<designs::all>::type;

template <class Design>
using if_sound = std::conditional_t<Design::is_sound, std::tuple<Design>, std::tuple<>>;
template <class... Design>
auto sound_ones(std::type_identity<std::tuple<Design...>>) -> decltype(std::tuple_cat(if_sound<Design>{}...));
/// Those that keep F1 to F3; what the others break, the explorer shows.
using sound_designs = as_types<decltype(sound_ones(std::type_identity<designs::all>{}))>::type;

/// mm_test/tombstone instead of mm_test/2.
struct design_names {
  template <class Design>
  static std::string GetName(int) {
    std::string name{Design::name};
    for (char& each : name) {
      if (each == '-') each = '_';
    }
    return name;
  }
};

}  // namespace rcuvm::mm::testing
