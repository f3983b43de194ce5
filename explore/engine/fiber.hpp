// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stacks that the engine jumps between.

#include <array>
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>

// The Itanium C++ ABI's per-thread record of exceptions, section 2.2.2: each fiber has its own.
extern "C" void* __cxa_get_globals();  // NOLINT: the ABI's name

namespace rcuvm::explore {

/// One stack. Boost's low-level interface, because a run that has failed is left where it is: unwinding its stacks would run
/// destructors in a broken world, and end at the first noexcept function. Cost of a jump: about 6 ns.
class fiber {
 public:
  using body = void (*)();

  /// Starts anew at `run`, which must never return, on the stack that ends at `top`.
  void prepare(void* top, std::size_t bytes, body run) noexcept {
    run_ = run;
    place_ = boost::context::detail::make_fcontext(top, bytes, &fiber::enter);
    exceptions_ = {};
  }

  /// Leaves `from` where it is, and goes on here.
  void resume_from(fiber& from) noexcept {
    void* const live = __cxa_get_globals();
    std::memcpy(&from.exceptions_, live, sizeof exceptions_);
    std::memcpy(live, &exceptions_, sizeof exceptions_);
    arrived(boost::context::detail::jump_fcontext(place_, new_message(from, *this)));
  }

 private:
  struct message {
    fiber* from;
    fiber* to;
  };
  static message* new_message(fiber& from, fiber& to) noexcept {
    static message one;  // one jump at a time, on one operating-system thread
    one = {&from, &to};
    return &one;
  }
  static void arrived(boost::context::detail::transfer_t came) noexcept {
    static_cast<message*>(came.data)->from->place_ = came.fctx;
  }
  static void enter(boost::context::detail::transfer_t came) {
    fiber* const here = static_cast<message*>(came.data)->to;
    arrived(came);
    here->run_();
  }

  struct exception_record {
    void* caught = nullptr;
    std::uint64_t uncaught = 0;  // an unsigned int and its padding
  };

  boost::context::detail::fcontext_t place_ = nullptr;
  body run_ = nullptr;
  exception_record exceptions_;
};

}  // namespace rcuvm::explore
