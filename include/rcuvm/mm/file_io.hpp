// SPDX-License-Identifier: Apache-2.0
#pragma once

/// read and write: between a file and the memory of a program, under the file's inode lock.
///
/// The inode lock is held from begin to end, page faults in the program's memory included:
///
///   write(2)   ├─ inode lock ──────── fault: a design's lock? ─────────┤
///   fault      ├─ a design's lock? ── the file reads a page: inode lock? ─┤
///
/// A design that keeps its lock while a file whose faults lock the inode reads a page takes the two in both orders, and can deadlock:
/// the mmap_sem and i_mutex inversion of 2013. Without a lock over the file's read there is no order to contradict. A file that has only
/// fault_locked() brings it back, wherever a fault under the inode lock may wait for the lock that this is called with.
/// The program's memory must not be mapped from the same pages of `of` when that file's faults lock the inode, nor from any of its
/// pages when the inode lock is a whole one: the thread would wait for itself, under every design.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "rcuvm/mm/address_space.hpp"
#include "rcuvm/vm/file.hpp"

namespace rcuvm::mm {

/// Calls copy(frame, offset in its page, address in the program, bytes to put them in on the way) until `length` bytes are done
/// or one call fails; never for more than a page of the file or of the program's memory, which begins at `user`.
template <class Copy>
[[nodiscard]] result<std::size_t> copy_each_page(vm::cpu& cpu, vm::file& of, std::uint64_t offset,
                                                 address user, std::size_t length, Copy copy) {
  length = offset < of.size() ? std::min<std::uint64_t>(length, of.size() - offset) : 0;
  const vm::inode_lock::section held{of.inode_lock(), {offset, offset + length}};
  vm::frame_pool& frames = cpu.host().frames();
  std::array<std::byte, page_size> bytes;
  for (std::size_t done = 0; done < length;) {
    const std::size_t in_page = (offset + done) % page_size;
    const std::size_t part =
        std::min<std::size_t>({length - done, page_size - in_page, page_size - (user + done) % page_size});
    const auto frame = of.page_under_inode_lock((offset + done) / page_size, frames, cpu.stock);
    result<void> copied;
    if (frame) {
      copied = copy(*frame, in_page, user + done, std::span{bytes}.first(part));
      frames.put(*frame, cpu.stock);
    } else {
      copied = std::unexpected{frame.error()};
    }
    if (!copied && done == 0) return std::unexpected{copied.error()};
    if (!copied) return done;
    done += part;
  }
  return length;
}

/// Copies `length` bytes of `of` from `offset` on to `to`. Returns how many: fewer at the file's end, or where the program's memory
/// cannot be written to. EFAULT, EACCES: not even the first. ENOMEM: no frame for the file. Kernel: read(2) with i_mutex held.
template <class Design>
[[nodiscard]] result<std::size_t> read_file(vm::cpu& cpu, address_space<Design>& space, vm::file& of,
                                            std::uint64_t offset, address to, std::size_t length) {
  const auto copy = [&](vm::frame_number frame, std::size_t in_page, address at, std::span<std::byte> bytes) {
    cpu.host().frames().read(frame, in_page, bytes);
    return space.write(cpu, at, bytes);
  };
  return copy_each_page(cpu, of, offset, to, length, copy);
}

/// The other way round. Nothing is written beyond the file's end. Kernel: write(2).
template <class Design>
[[nodiscard]] result<std::size_t> write_file(vm::cpu& cpu, address_space<Design>& space, vm::file& of,
                                             std::uint64_t offset, address from, std::size_t length) {
  const auto copy = [&](vm::frame_number frame, std::size_t in_page, address at, std::span<std::byte> bytes) {
    const result<void> got = space.read(cpu, at, bytes);
    if (got) cpu.host().frames().write(frame, in_page, bytes);
    return got;
  };
  return copy_each_page(cpu, of, offset, from, length, copy);
}

}  // namespace rcuvm::mm
