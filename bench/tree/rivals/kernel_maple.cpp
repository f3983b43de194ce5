// SPDX-License-Identifier: Apache-2.0
#include "bench/tree/rivals/kernel_maple.hpp"

#include <dlfcn.h>

#include <cstring>
#include <new>
#include <stdexcept>

#include "rcuvm/sync/rcu.hpp"

namespace rcuvm::tree_bench {

static_assert(sizeof(record) == sizeof(rcuvm_kernel_record) && offsetof(rcuvm_kernel_record, end) == 8);
static_assert(sizeof(gap_request) == sizeof(rcuvm_kernel_gap_request) &&
              offsetof(rcuvm_kernel_gap_request, start) == offsetof(gap_request, within));
static_assert(no_gap == RCUVM_KERNEL_NO_GAP);

namespace {

/// The same layout, as asserted above.
const rcuvm_kernel_record* const* as_kernel(records some) {
  return reinterpret_cast<const rcuvm_kernel_record* const*>(some.data());
}

void expect(int error_number) {
  if (error_number != 0)
    throw std::runtime_error{std::string{"the kernel's maple tree: "} + std::strerror(error_number)};
}

}  // namespace

const rcuvm_kernel_maple* kernel_maple::table_ = nullptr;

void kernel_maple::load(const std::string& path) {
  if (std::string_view{sync::rcu::flavour()} != "memb")
    throw std::runtime_error{"the kernel's maple tree is read under liburcu-memb; this program has qsbr"};
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) throw std::runtime_error{::dlerror()};
  const void* symbol = ::dlsym(object, RCUVM_KERNEL_MAPLE_SYMBOL);
  if (symbol == nullptr) throw std::runtime_error{::dlerror()};
  table_ = static_cast<const rcuvm_kernel_maple*>(symbol);
}

kernel_maple::kernel_maple() : tree_{table_->make(), table_->destroy} {
  if (tree_ == nullptr) throw std::bad_alloc{};
}

void kernel_maple::build(records in_order) {
  store_each(in_order);
  drain();
}

void kernel_maple::erase_each(records some) {
  expect(table_->erase(tree_.get(), as_kernel(some), some.size()));
}

void kernel_maple::store_each(records some) {
  expect(table_->store(tree_.get(), as_kernel(some), some.size()));
}

std::uint64_t kernel_maple::find_gaps(gap_side side, std::span<const gap_request> wanted,
                                      std::uint64_t* starts) const {
  const auto* same = reinterpret_cast<const rcuvm_kernel_gap_request*>(wanted.data());
  const auto search = side == gap_side::lowest ? table_->lowest_gaps : table_->highest_gaps;
  return search(tree_.get(), same, wanted.size(), starts);
}

void kernel_maple::replace(records some) {
  expect(table_->replace(tree_.get(), as_kernel(some), some.size()));
}

void kernel_maple::replace_together(records some) {
  expect(table_->replace_together(tree_.get(), as_kernel(some), some.size()));
}

}  // namespace rcuvm::tree_bench
