// SPDX-License-Identifier: Apache-2.0

/// Mapped files: reads that take time, truncation, holes, the inode lock.

#include <sys/mman.h>

#include <array>
#include <memory>
#include <utility>

#include "explore/scenarios/pages.hpp"
#include "rcuvm/mm/file_io.hpp"
#include "rcuvm/mm/punch_hole.hpp"
#include "rcuvm/mm/truncate.hpp"

namespace rcuvm::explore {

namespace {

constexpr std::uint64_t some_value = 7;

/// Counts nothing: the explorer does not see what orders the counts of a std::shared_ptr.
[[nodiscard]] std::shared_ptr<vm::file> uncounted(vm::file& of) { return {std::shared_ptr<void>{}, &of}; }

/// With a file mapped at `here`, for all to see.
template <class Design>
struct space_with_file : small_space<Design> {
  std::uint64_t bytes;
  vm::file whole{vm::file_identity{.name = "/f", .inode = 1}, bytes};
  std::shared_ptr<vm::file> file = uncounted(whole);

  explicit space_with_file(std::uint64_t pages = 2, std::uint64_t fault_around = 0)
      : small_space<Design>{vm::shootdowns::at_once, fault_around}, bytes{pages * page_size} {}

  void map_file(mm::map_flags kind = {mm::map_flag::fixed, mm::map_flag::shared}) {
    map_file(here, whole, kind);
  }
  void map_file(address at, vm::file& which,
                mm::map_flags kind = {mm::map_flag::fixed, mm::map_flag::shared}) {
    const auto got = this->space.map(this->cpu, {.hint = at,
                                                 .length = which.size(),
                                                 .protection = read_write,
                                                 .flags = kind,
                                                 .file = uncounted(which)});
    RCUVM_CHECK(got.has_value(), "a mapping of the scenario");
  }
  /// To nothing.
  void truncate(vm::cpu& by) {
    const std::array all{&this->space};
    mm::truncate<Design>(by, whole, 0, all);
  }
};

/// A fault whose file reads from a disk, while its mapping goes and another one comes, which nobody may write to.
struct remap_beside_read {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->file->set_read_time(1000);
      in->map_file();
      together(on_cpu("munmap, mmap", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here, 2);
                        in->map_at(by, here, 1, mm::map_flag::fixed_noreplace, vm::prot::read);
                      }),
               on_cpu("fault", *in, [&in](vm::cpu& by) { std::ignore = in->try_put(by, here, some_value); }));
      RCUVM_PROMISE(in->get(in->cpu, here) == 0U, "F2: a fault outlives its mapping while the file reads");
    };
  }
};

/// A file that has only fault_locked() reads from a disk, while a call takes its mapping away.
struct unmap_beside_locked_read {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->file->set_read_time(1000);
      in->file->set_fault_call(vm::file::fault_call::locked);
      in->map_file();
      together(on_cpu("munmap", *in,
                      [&in](vm::cpu& by) {
                        in->unmap(by, here, 2);
                        RCUVM_PROMISE(in->file->reads() == 0 || in->file->holds(0),
                                      "fault_locked: its mapping has gone while the file reads");
                      }),
               on_cpu("fault", *in, [&in](vm::cpu& by) { std::ignore = in->get(by, here); }));
      RCUVM_PROMISE(!in->get(in->cpu, here), "F2: a fault outlives its mapping while the file reads");
    };
  }
};

/// The file loses a page that a fault is about to install.
struct truncate_beside_fault {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->map_file();
      in->put(in->cpu, here + page_size, some_value);
      together(on_cpu("truncate", *in,
                      [&in](vm::cpu& by) {
                        in->truncate(by);
                        RCUVM_PROMISE(!in->get(by, here), "F1: a page is reached after its file has lost it");
                      }),
               on_cpu("fault", *in, [&in](vm::cpu& by) { std::ignore = in->get(by, here); }));
      RCUVM_PROMISE(!in->get(in->cpu, here) && !in->get(in->cpu, here + page_size),
                    "F1: a page is reached after its file has lost it");
    };
  }
};

/// The same beside a lock-free get_user_pages of that page, which keeps its frame.
struct truncate_beside_pin {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->map_file();
      in->put(in->cpu, here, some_value);
      pin_beside(*in, "truncate, reuse", some_value, [&in](vm::cpu& by) { in->truncate(by); });
    };
  }
};

/// A walk of the page tables beside a truncation: a page of the file that nobody has written is never taken for a private copy, though
/// it is in the table and no longer in the cache by the time that the walk asks there.
struct smaps_beside_truncate {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->map_file({mm::map_flag::fixed});
      RCUVM_CHECK(in->get(in->cpu, here) == 0U, "a read of the scenario");
      constexpr range page{here, here + page_size};
      together(on_cpu("truncate", *in, [&in](vm::cpu& by) { in->truncate(by); }),
               walk_of_smaps(*in, page, 0));
      RCUVM_PROMISE(in->space.count_pages(page).resident == 0,
                    "F1: a page is there after its file has lost it");
    };
  }
};

/// A read of the file's first page maps the second one, too, which is cached, while a call takes both away.
template <class Take>
struct map_around_beside {
  Take take;
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [take = take] {
      const auto in = std::make_unique<space_with_file<Design>>(2, 2 * page_size);
      in->map_file();
      in->map_at(in->cpu, here + 4 * page_size);  // keeps the table
      in->put(in->cpu, here + page_size, some_value);
      RCUVM_CHECK(in->space.advise(in->cpu, {here, here + 2 * page_size}, MADV_DONTNEED), "a DONTNEED");
      together(on_cpu("take away", *in, [&](vm::cpu& by) { take(*in, by); }),
               on_cpu("read", *in, [&in](vm::cpu& by) { std::ignore = in->get(by, here); }));
      RCUVM_PROMISE(!in->get(in->cpu, here) && !in->get(in->cpu, here + page_size),
                    "F1: a page is reached after it has been taken away");
    };
  }
};
constexpr auto by_munmap = [](auto& in, vm::cpu& by) { in.unmap(by, here, 2); };
constexpr auto by_truncation = [](auto& in, vm::cpu& by) { in.truncate(by); };

/// A shared page goes with a hole in its file, beside reads of it on another cpu: once gone, it stays so.
struct punch_beside_fault {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->map_file();
      in->put(in->cpu, here, some_value);
      in->put(in->cpu, here + page_size, some_value);
      RCUVM_CHECK(in->space.advise(in->cpu, {here, here + page_size}, MADV_DONTNEED), "a DONTNEED");
      together(on_cpu("punch hole", *in,
                      [&in](vm::cpu& by) {
                        const std::array all{&in->space};
                        mm::punch_hole<Design>(by, *in->file, {0, page_size}, all);
                      }),
               on_cpu("read", *in, [&in](vm::cpu& by) {
                 const auto got = in->get(by, here);
                 RCUVM_PROMISE(got == some_value || got == 0U, "F1: a page of somebody else");
               }));
      RCUVM_PROMISE(in->get(in->cpu, here) == 0U, "F1: a page is reached after its file has lost it");
      RCUVM_PROMISE(in->get(in->cpu, here + page_size) == some_value, "F2: a page is lost beside a hole");
    };
  }
};

/// read(2) into a mapping of another page of the same file, for whose faults the file system takes the inode lock.
struct read_into_itself {
  vm::inode_lock::kind how;
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [how = how] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->file->set_faults_lock_inode(true);
      in->file->inode_lock().set_kind(how);
      in->map_file();
      together(on_cpu("read", *in, [&in](vm::cpu& by) {
        std::ignore = mm::read_file<Design>(by, in->space, *in->file, 0, here + page_size, sizeof some_value);
      }));
    };
  }
};

/// Two write(2)s of two pages as they begin: each from a page that the other one holds and has not read yet. The explorer's pages
/// are too short for whole ones.
struct write_crosswise {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>(4);
      in->file->set_faults_lock_inode(true);
      in->file->inode_lock().set_kind(vm::inode_lock::kind::ranges);
      in->map_file();
      const auto write = [&in](vm::cpu& by, std::uint64_t first, std::uint64_t from) {
        const vm::inode_lock::section held{in->file->inode_lock(),
                                           {first * page_size, (first + 2) * page_size}};
        std::ignore = in->get(by, here + from * page_size);
      };
      together(on_cpu("write", *in, [&](vm::cpu& by) { write(by, 0, 3); }),
               on_cpu("write back", *in, [&](vm::cpu& by) { write(by, 2, 1); }));
    };
  }
};

/// write(2) from `elsewhere`, which is not there yet, beside a fault for which the file system takes the inode lock, and beside a third
/// thread, if there is one.
template <class Design, class... Third>
void write_beside_fault_in(space_with_file<Design>& in, Third&&... third) {
  in.file->set_faults_lock_inode(true);
  in.map_file();
  together(on_cpu("write", in,
                  [&in](vm::cpu& by) {
                    const auto written =
                        mm::write_file<Design>(by, in.space, *in.file, 0, elsewhere, sizeof some_value);
                    RCUVM_CHECK(written == sizeof some_value, "a write of the scenario");
                  }),
           on_cpu("fault", in,
                  [&in](vm::cpu& by) {
                    RCUVM_CHECK(in.get(by, here + page_size).has_value(), "a read of the scenario");
                  }),
           std::forward<Third>(third)...);
}

/// From anonymous memory.
struct write_beside_fault {
  vm::inode_lock::kind how;
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [how = how] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->file->inode_lock().set_kind(how);
      in->map_at(in->cpu, elsewhere);
      write_beside_fault_in(*in);
    };
  }
};

/// The same, and the file has only fault_locked(), while the anonymous memory is cut: faults there meet a writer.
struct write_beside_locked_fault {
  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_file<Design>>();
      in->file->set_fault_call(vm::file::fault_call::locked);
      in->map_at(in->cpu, elsewhere, 2);
      write_beside_fault_in(*in, on_cpu("madvise", *in, [&in](vm::cpu& by) {
        constexpr range second{elsewhere + page_size, elsewhere + 2 * page_size};
        RCUVM_CHECK(in->space.advise(by, second, MADV_DONTFORK), "a DONTFORK of the scenario");
      }));
    };
  }
};

/// From a mapping of another file; both have only fault_locked().
struct write_from_locked_file {
  template <class Design>
  struct space_with_two_files : space_with_file<Design> {
    vm::file other{vm::file_identity{.name = "/g", .inode = 2}, page_size};
  };

  template <class Design>
  [[nodiscard]] scenario_body operator()() const {
    return [] {
      const auto in = std::make_unique<space_with_two_files<Design>>();
      in->file->set_fault_call(vm::file::fault_call::locked);
      in->other.set_fault_call(vm::file::fault_call::locked);
      in->map_file(elsewhere, in->other);
      write_beside_fault_in(*in);
    };
  }
};

}  // namespace

std::vector<scenario> file_scenarios() {
  using enum vm::inode_lock::kind;
  constexpr std::string_view no_deadlock = "no deadlock";
  return {
      for_all_designs("fault-during-read",
                      "munmap and mmap at the same address while a fault waits for its file", "F2",
                      remap_beside_read{}),
      for_all_designs("truncate", "a file is truncated beside a fault in a page that it loses", "F1",
                      truncate_beside_fault{}),
      for_all_designs("fault-around", "a read fault maps cached neighbours beside munmap", "F3",
                      map_around_beside{by_munmap}),
      for_all_designs("fault-around-truncate", "a read fault maps cached neighbours beside a truncation",
                      "F1", map_around_beside{by_truncation}),
      for_all_designs("pin-truncate",
                      "a lock-free get_user_pages beside a truncation and the reuse of its frame", "F1",
                      truncate_beside_pin{}),
      for_all_designs("smaps-truncate", "a walk of the page tables beside a truncation", "F1",
                      smaps_beside_truncate{}),
      for_all_designs("punch-hole", "a hole is punched into a file beside a read of a page that it loses",
                      "F1", punch_beside_fault{}),
      for_all_designs("fault-locked-read", "munmap while a file that has only fault_locked() reads a page",
                      "F2", unmap_beside_locked_read{}),
      // All other designs hold nothing while a file reads.
      broken_under(
          {"mmap-lock"},
          for_all_designs(
              "inode-lock",
              "write(2) that faults under the inode lock, beside a fault for which the file takes it",
              no_deadlock, write_beside_fault{whole}),
          finding_kind::lock_order),
      broken_under(
          {all_of_them},
          for_all_designs("read-itself",
                          "read(2) into a mapping of the same file, whose faults take the inode lock",
                          no_deadlock, read_into_itself{whole}),
          finding_kind::deadlock),
      // The faults of the others wait for nobody, or not for what a fault_locked() is called under.
      broken_under(
          {"mmap-lock", "mmap-lock-drop", "mm-seq", "vma-seq", "vma-lock"},
          for_all_designs("inode-fault-locked", "inode-lock with a file that has only fault_locked()",
                          no_deadlock, write_beside_locked_fault{}),
          finding_kind::lock_order),
      // Range locks have no order that could be looked at: there it is the deadlock itself.
      broken_under(
          {"range-lock"},
          broken_under({all_of_them},
                       for_all_designs("copy-fault-locked",
                                       "inode-fault-locked, written from a mapping of a second such file",
                                       no_deadlock, write_from_locked_file{}),
                       finding_kind::lock_order),
          finding_kind::deadlock),
      for_all_designs("inode-ranges", "inode-lock with an inode lock on ranges: the fault reads another page",
                      no_deadlock, write_beside_fault{ranges}),
      for_all_designs("read-itself-ranges",
                      "read-itself with an inode lock on ranges: into a mapping of another page", no_deadlock,
                      read_into_itself{ranges}),
      broken_under(
          {all_of_them},
          for_all_designs("copy-crosswise",
                          "two write(2)s, each from a page that the other one writes, inode lock on ranges",
                          no_deadlock, write_crosswise{}),
          finding_kind::deadlock),
  };
}

}  // namespace rcuvm::explore
