// SPDX-License-Identifier: Apache-2.0
#include "bench/report/machine.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <fstream>
#include <limits>
#include <string_view>

#include "rcuvm/sync/clock.hpp"
#include "rcuvm/sync/rcu.hpp"
#include "rcuvm/sync/thread.hpp"

#ifndef RCUVM_BUILD_FLAGS
#define RCUVM_BUILD_FLAGS "unknown"
#endif
#ifndef RCUVM_BUILD_VERSION
#define RCUVM_BUILD_VERSION "unknown"
#endif
#ifndef RCUVM_URCU_VERSION
#define RCUVM_URCU_VERSION "unknown"
#endif

namespace rcuvm::report {

namespace {

/// The text behind the first line that begins with `key`, past blanks and `separator`.
std::string value_in(const char* path, std::string_view key, char separator) {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    at = line.find_first_not_of(" \t\"", at + 1);
    if (at == std::string::npos) return {};
    line.erase(0, at);
    line.erase(line.find_last_not_of(" \t\"") + 1);
    return line;
  }
  return {};
}

std::string compiler() {
#if defined(__clang__)
  return "clang++ " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string sanitizer() {
#if defined(__SANITIZE_THREAD__)
  return "thread";
#elif defined(__SANITIZE_ADDRESS__)
  return "address";
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
  return "thread";
#elif __has_feature(address_sanitizer)
  return "address";
#else
  return {};
#endif
#else
  return {};
#endif
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

double clock_cost_ns() {
  constexpr int readings = 200'000;
  double best = std::numeric_limits<double>::max();
  for (int attempt = 0; attempt < 5; ++attempt) {
    const std::uint64_t start = sync::now_ns();
    std::uint64_t last = start;
    for (int reading = 0; reading < readings; ++reading) last = sync::now_ns();
    best = std::min(best, static_cast<double>(last - start) / readings);
  }
  return best;
}

}  // namespace

std::array<double, 3> load_averages() {
  std::array<double, 3> loads{};
  std::ifstream file{"/proc/loadavg"};
  file >> loads[0] >> loads[1] >> loads[2];
  return loads;
}

machine_facts look_at_machine() {
  machine_facts seen;
  seen.date = now_text();
  seen.cpu = value_in("/proc/cpuinfo", "model name", ':');
  seen.cores = sync::hardware_threads();
  seen.is_virtual = value_in("/proc/cpuinfo", "flags", ':').find(" hypervisor") != std::string::npos;
  const std::string kilobytes = value_in("/proc/meminfo", "MemTotal", ':');
  std::from_chars(kilobytes.data(), kilobytes.data() + kilobytes.size(), seen.memory_bytes);
  seen.memory_bytes *= 1024;
  utsname system{};
  if (::uname(&system) == 0) {
    seen.kernel =
        std::string{system.sysname}.append(" ").append(system.release).append(" ").append(system.machine);
  }
  seen.system = value_in("/etc/os-release", "PRETTY_NAME", '=');
  seen.compiler = compiler();
  seen.flags = RCUVM_BUILD_FLAGS;
  seen.version = RCUVM_BUILD_VERSION;
#ifdef RCUVM_ASSERTIONS
  seen.has_assertions = true;
#endif
#ifdef __OPTIMIZE__
  seen.is_optimized = true;
#endif
  seen.sanitizer = sanitizer();
  seen.rcu_flavour = sync::rcu::flavour();
  seen.rcu_version = RCUVM_URCU_VERSION;
  seen.clock_cost_ns = clock_cost_ns();
  seen.load_before = load_averages();
  return seen;
}

}  // namespace rcuvm::report
