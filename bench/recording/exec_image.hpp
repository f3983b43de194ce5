// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the kernel maps during an execve, put together from its announcements.
///
///   MMAP2 0x1000-0x9000 r-- a.out      AAAAAAAA        the whole image, to reserve the place
///   (silent: what is past segment 1)   AA......
///   MMAP2 0x3000-0x6000 r-x a.out      AABBB...
///   MMAP2 0x7000-0x9000 rw- a.out      AABBB.CC        holes stay where no segment is

#include <cstdint>
#include <map>
#include <vector>

#include "bench/recording/recording.hpp"

namespace rcuvm::recording {

class exec_image {
 public:
  /// `first_segment`: the bytes that stay of the first announcement of a file; 0: not known, all of it stays and
  /// the later segments cover the rest.
  void add(const notice& seen, std::uint64_t first_segment);

  /// Whether the file was announced already.
  [[nodiscard]] bool has_seen(file_id file) const noexcept;

  /// By address, not overlapping.
  [[nodiscard]] std::vector<notice> maps() const;

 private:
  void cut(range hole);

  std::map<address, notice> maps_;
  std::vector<file_id> files_;
};

}  // namespace rcuvm::recording
