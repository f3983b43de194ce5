// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a call that can fail returns: the kernel's errno values, without exceptions.

#include <cerrno>
#include <expected>
#include <string_view>

namespace rcuvm {

/// A kernel errno (EINVAL, ENOMEM, ...).
class error {
 public:
  constexpr explicit error(int number) noexcept : number_{number} {}

  [[nodiscard]] constexpr int number() const noexcept { return number_; }

  /// "ENOMEM"; "E?" for a number that no call of this library returns.
  [[nodiscard]] constexpr std::string_view name() const noexcept {
    switch (number_) {
      case EACCES: return "EACCES";
      case EAGAIN: return "EAGAIN";
      case EBADF: return "EBADF";
      case EBUSY: return "EBUSY";
      case EEXIST: return "EEXIST";
      case EFAULT: return "EFAULT";
      case EINVAL: return "EINVAL";
      case ENODEV: return "ENODEV";
      case ENOMEM: return "ENOMEM";
      case EOVERFLOW: return "EOVERFLOW";
      case EPERM: return "EPERM";
      default: return "E?";
    }
  }

  friend constexpr bool operator==(error, error) noexcept = default;

 private:
  int number_;
};

/// The value, or the errno.
template <class T>
using result = std::expected<T, error>;

[[nodiscard]] constexpr std::unexpected<error> fail(int number) noexcept {
  return std::unexpected{error{number}};
}

}  // namespace rcuvm
