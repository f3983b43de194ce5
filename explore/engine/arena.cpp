// SPDX-License-Identifier: Apache-2.0
#include "explore/engine/arena.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace rcuvm::explore {

namespace {

void* reserve(std::uintptr_t at, std::size_t bytes) {
  const int fixed = at != 0 ? MAP_FIXED_NOREPLACE : 0;
  void* got = ::mmap(reinterpret_cast<void*>(at), bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
  if (got == MAP_FAILED)
    throw std::runtime_error{"the explorer cannot map its arena: addresses or memory are taken"};
  return got;
}

}  // namespace

arena::arena() {
  reserve(base, size);
  states_ = static_cast<std::uint8_t*>(reserve(0, size / 8));
  for (std::uint32_t i = 0; i != max_threads; ++i) {
    parts_[i].first = parts_[i].top = std::max(i * part_size, place::first_offset);
    parts_[i].objects.reserve(512);
  }
}

arena::~arena() {
  ::munmap(reinterpret_cast<void*>(base), size);
  ::munmap(states_, size / 8);
}

void* arena::allocate(std::size_t bytes, std::size_t alignment, int thread) noexcept {
  part& from = parts_[static_cast<unsigned>(thread)];
  const auto step = static_cast<std::uint32_t>(std::max<std::size_t>(alignment, 16));
  const std::uint32_t first = (from.top + red_zone + step - 1) / step * step;
  const auto whole = static_cast<std::uint32_t>((std::max<std::size_t>(bytes, 1) + 7) / 8 * 8);
  const std::uint32_t end = static_cast<std::uint32_t>(thread + 1) * part_size;
  if (bytes > size || first + whole + red_zone > end) return nullptr;
  from.top = first + whole;
  std::memset(states_ + first / 8, static_cast<int>(state::live), whole / 8);
  from.objects.push_back({.where = {first, first + whole}});
  ++live_;
  return at(first);
}

arena::object* arena::find(std::uint32_t offset) noexcept {
  std::vector<object>& among = parts_[offset / part_size].objects;
  const auto after =
      std::ranges::upper_bound(among, offset, {}, [](const object& one) { return one.where.first; });
  if (after == among.begin()) return nullptr;
  object& before = *std::prev(after);
  return offset < before.where.end ? &before : nullptr;
}

void arena::free(object& which) noexcept {
  const std::uint32_t bytes = which.where.end - which.where.first;
  std::memset(at(which.where.first), 0xdd, bytes);
  std::memset(states_ + which.where.first / 8, static_cast<int>(state::freed), bytes / 8);
  which.now = state::freed;
  --live_;
}

std::vector<arena::object> arena::objects() const {
  std::vector<object> all;
  for (const part& each : parts_) all.insert(all.end(), each.objects.begin(), each.objects.end());
  return all;
}

void arena::reset() noexcept {
  for (part& each : parts_) {
    std::memset(states_ + each.first / 8, 0, (each.top - each.first) / 8 + 1);
    each.top = each.first;
    each.objects.clear();
  }
  live_ = 0;
}

}  // namespace rcuvm::explore
