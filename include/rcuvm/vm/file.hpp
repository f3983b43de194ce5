// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A file that can be mapped, with its page cache.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "rcuvm/base/error.hpp"
#include "rcuvm/base/range.hpp"
#include "rcuvm/sync/annotations.hpp"
#include "rcuvm/sync/atomic.hpp"
#include "rcuvm/sync/mutex.hpp"
#include "rcuvm/vm/frame.hpp"
#include "rcuvm/vm/inode_lock.hpp"

namespace rcuvm::vm {

/// What /proc/PID/maps tells of a file.
struct file_identity {
  std::string name = {};  ///< raw bytes, as d_path gives them
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;

  friend bool operator==(const file_identity&, const file_identity&) = default;
};

/// Protects  the page cache, by its own lock. Kernel: struct file, inode and address_space in one.
/// Locks     the inode lock is for read, write, and for the read of a page where the file system wants it; the cache's lock is taken
///           inside, and nothing is taken inside that one but the pool's.
///
/// What it loses is still mapped in places. First no fault gets those pages any more, by the new size or the hole; then the page
/// tables lose them; then the cache does (mm/truncate.hpp, mm/punch_hole.hpp). A fault notes removals() before it asks for a page,
/// and looks again under its page table's lock: one that locks the table after the removal did sees another number.
class file {
 public:
  static constexpr std::uint64_t endless = ~std::uint64_t{0};  ///< a recording does not tell a file's size

  /// nameless: MAP_SHARED | MAP_ANONYMOUS made it, nobody can open it. Kernel: vma_is_anon_shmem.
  enum class origin : std::uint8_t { opened, nameless };

  /// `size` in bytes: a page that starts at or beyond it cannot be faulted in (SIGBUS).
  /// Which of the two a fault calls for a page that has to be read.
  ///
  ///   unlocked   fault(): nothing of the address space is held, and the mapping may go meanwhile
  ///   locked     fault_locked(): the mapping stays as it is, because its writers wait. For a file system that relies on it
  ///
  /// A design that never lets go (mmap-lock) calls fault_locked() of every file.
  /// Kernel: vm_operations_struct::fault is called with mmap_lock or the VMA's lock held; LSFMM 2013 wished for the two.
  enum class fault_call : std::uint8_t { unlocked, locked };

  explicit file(file_identity identity, std::uint64_t size = endless, origin from = origin::opened)
      : identity_{std::move(identity)}, origin_{from}, size_{size} {}
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  ~file();

  [[nodiscard]] const file_identity& identity() const noexcept { return identity_; }
  [[nodiscard]] bool is_nameless() const noexcept { return origin_ == origin::nameless; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_.load_relaxed(); }
  /// How often pages have been taken out: it has become shorter, or got a hole.
  [[nodiscard]] std::uint64_t removals() const noexcept { return removals_.load_relaxed(); }
  /// How long it takes to read a page that is not cached: 0 at first. Only while nobody uses the file.
  void set_read_time(std::uint64_t nanoseconds) noexcept { read_ns_ = nanoseconds; }
  /// A file system that takes the inode lock when a fault has to read a page. Only while nobody uses the file.
  void set_faults_lock_inode(bool to) noexcept { faults_lock_inode_ = to; }
  /// unlocked at first. Only while nobody uses the file.
  void set_fault_call(fault_call to) noexcept { fault_call_ = to; }
  [[nodiscard]] bool faults_locked() const noexcept { return fault_call_ == fault_call::locked; }
  /// Held by read and write (mm/file_io.hpp), and all of it by what takes pages out.
  [[nodiscard]] vm::inode_lock& inode_lock() noexcept { return inode_lock_; }
  /// Gives it a new size. Pages beyond the end stay cached, but no fault gets them. Under all of the inode lock.
  void set_size(std::uint64_t to) noexcept;
  /// Takes pages beyond the end out of the cache, and zeroes what the last page holds beyond it.
  void drop_beyond_end(frame_pool::magazine& stock) noexcept;
  /// From now on no fault gets the pages that lie wholly in `bytes`; their indexes. Under all of the inode lock, until end_hole().
  [[nodiscard]] range begin_hole(range bytes) noexcept;
  /// Takes them out of the cache, and zeroes what of `bytes` lies in other pages.
  void end_hole(range bytes, frame_pool::magazine& stock) noexcept;
  /// Is page `index` being taken out?
  [[nodiscard]] bool is_in_hole(std::uint64_t index) noexcept {
    sync::mutex_guard held{lock_};
    return hole_.contains(index);
  }

  /// The frame of page `index` with one reference for the caller, read into the cache if it is not there; EFAULT beyond the end,
  /// EAGAIN while it is being taken out, ENOMEM without frames. The caller holds what keeps its mapping as it is, for the time of the
  /// read, too. A file belongs to the pool that first served it. Cost: a lock and a hash look-up; without that lock, the time of a read.
  /// Two that come for a page together both read it: a disk without a queue.
  [[nodiscard]] result<frame_number> fault_locked(std::uint64_t index, frame_pool& pool,
                                                  frame_pool::magazine& stock);
  /// Reads page `index` into the cache, where the caller finds it when it has looked up its mapping again. The caller holds no lock of an
  /// address space. Errors and cost as fault_locked() has them.
  [[nodiscard]] result<void> fault(std::uint64_t index, frame_pool& pool, frame_pool::magazine& stock) {
    const auto got = fault_locked(index, pool, stock);
    if (!got) return std::unexpected{got.error()};
    pool.put(*got, stock);
    return {};
  }

  /// fault_locked(), but EAGAIN where it would have to read, too.
  [[nodiscard]] result<frame_number> page_at_hand(std::uint64_t index, frame_pool& pool,
                                                  frame_pool::magazine& stock) {
    return cached_page(index, pool, stock, may_read_at_once());
  }
  /// fault_locked() for who holds the inode lock of that page.
  [[nodiscard]] result<frame_number> page_under_inode_lock(std::uint64_t index, frame_pool& pool,
                                                           frame_pool::magazine& stock);

  /// How many reads of a page have begun.
  [[nodiscard]] std::uint64_t reads() const noexcept { return reads_.load_relaxed(); }
  /// Would a fault have to read it?
  [[nodiscard]] bool must_read(std::uint64_t index) {
    return !may_read_at_once() && is_within(index) && !holds(index);
  }

  /// The frame of page `index`, without a reference; no_frame when it is not cached.
  [[nodiscard]] frame_number cached(std::uint64_t index) {
    sync::mutex_guard held{lock_};
    const auto found = pages_.find(index);
    return found == pages_.end() ? no_frame : found->second;
  }
  /// The frames of the pages from `index` on, each with one reference for the caller; no_frame for a page that is not cached, or is
  /// being taken out.
  void share_cached(std::uint64_t index, std::span<frame_number> into) noexcept;
  [[nodiscard]] bool holds(std::uint64_t index) { return cached(index) != no_frame; }

 private:
  void take_out(range indexes, frame_pool::magazine& stock) noexcept RCUVM_REQUIRES(lock_);
  /// Zeroes [from, to) of page `index`, if it is cached.
  void zero(std::uint64_t index, std::size_t from, std::size_t to) noexcept RCUVM_REQUIRES(lock_);
  [[nodiscard]] bool may_read_at_once() const noexcept {
    return read_ns_ == 0 && !faults_lock_inode_ && !faults_locked();
  }
  void read_from_disk() noexcept;
  /// The page; with a new frame if it has none, or EAGAIN unless it has been read.
  [[nodiscard]] result<frame_number> cached_page(std::uint64_t index, frame_pool& pool,
                                                 frame_pool::magazine& stock, bool has_been_read);
  [[nodiscard]] bool is_within(std::uint64_t index) const noexcept {
    const std::uint64_t end = size();
    return end != 0 && index <= (end - 1) / page_size;
  }

  const file_identity identity_;                  ///< guard: immutable
  const origin origin_;                           ///< guard: immutable
  std::uint64_t read_ns_ = 0;                     ///< guard: set before the file is used
  bool faults_lock_inode_ = false;                ///< guard: the same
  fault_call fault_call_ = fault_call::unlocked;  ///< guard: the same
  vm::inode_lock inode_lock_;
  sync::atomic<std::uint64_t> size_;         ///< guard: atomic, stored under lock_
  sync::atomic<std::uint64_t> removals_{0};  ///< guard: atomic, stored under lock_
  sync::atomic<std::uint64_t> reads_{0};     ///< guard: atomic
  sync::mutex lock_;
  range hole_;  ///< guard: lock_; indexes of the pages that are being taken out
  std::unordered_map<std::uint64_t, frame_number> pages_;  ///< guard: lock_
  frame_pool* pool_ = nullptr;                             ///< guard: lock_
};

}  // namespace rcuvm::vm
