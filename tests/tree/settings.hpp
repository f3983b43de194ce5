// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How much the random tests of the tree do, and from which seed.
///
///   RCUVM_SEED=7     another sequence; each failing test prints its own
///   RCUVM_LONG=20    twenty times as many operations

#include <cstdint>
#include <cstdlib>
#include <random>

namespace rcuvm::tree::testing {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
#else
inline constexpr bool is_sanitized = false;
#endif

inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

/// The seed of a test that would by itself use `seed`.
inline std::uint64_t seed_or(std::uint64_t seed) { return number_from_environment("RCUVM_SEED", seed); }

/// `operations`, a tenth of it where every access costs tenfold, and as many times more as RCUVM_LONG says.
inline std::uint64_t scaled(std::uint64_t operations) {
  return (is_sanitized ? operations / 10 + 1 : operations) * number_from_environment("RCUVM_LONG", 1);
}

using random_engine = std::mt19937_64;

/// In [0, below).
inline std::uint64_t draw(random_engine& random, std::uint64_t below) { return random() % below; }

}  // namespace rcuvm::tree::testing
