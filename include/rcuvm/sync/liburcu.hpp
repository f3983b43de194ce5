// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The one place that includes liburcu (0.13), in one of two flavours:
///
///   memb   (default)            a section costs two stores and a few loads; a grace period interrupts the other CPUs
///   qsbr   (RCUVM_RCU_QSBR)     a section costs almost nothing; each thread must say when it reads nothing
///
/// _LGPL_SOURCE inlines the read section, four times cheaper than the call. Its bodies are under ten lines each, which
/// LGPL-2.1 section 5 lets any program include. TSan gets the calls instead: the inlined ones race on `gp.futex` in its
/// eyes.

#include "rcuvm/sync/tsan.hpp"

#ifndef RCUVM_TSAN
#define RCUVM_LIBURCU_INLINED
#endif

#if defined(RCUVM_LIBURCU_INLINED) && !defined(_LGPL_SOURCE)
#define _LGPL_SOURCE
#define RCUVM_LGPL_SOURCE_IS_OURS
#endif

// liburcu declares its reader word `thread_local` to C++, which makes each access test for a constructor that is not
// there; __thread is what the library itself was compiled with.
#include <urcu/tls-compat.h>
#ifdef URCU_TLS_STORAGE_CLASS
#undef URCU_TLS_STORAGE_CLASS
#define URCU_TLS_STORAGE_CLASS __thread
#endif

#ifdef RCUVM_RCU_QSBR
#include <urcu/urcu-qsbr.h>
#else
#include <urcu/urcu-memb.h>
#endif

#ifdef RCUVM_LGPL_SOURCE_IS_OURS
#undef _LGPL_SOURCE
#undef RCUVM_LGPL_SOURCE_IS_OURS
#endif

namespace rcuvm::sync::rcu::liburcu {

#ifdef RCUVM_RCU_QSBR

inline void read_lock() noexcept {}
inline void read_unlock() noexcept {}
inline void quiescent_state() noexcept { urcu_qsbr_quiescent_state(); }
inline bool is_online() noexcept { return urcu_qsbr_read_ongoing() != 0; }
inline void go_offline() noexcept { urcu_qsbr_thread_offline(); }
inline void go_online() noexcept { urcu_qsbr_thread_online(); }
inline void synchronize() noexcept { urcu_qsbr_synchronize_rcu(); }
inline void register_thread() noexcept { urcu_qsbr_register_thread(); }
inline void unregister_thread() noexcept { urcu_qsbr_unregister_thread(); }

#else

inline void read_lock() noexcept { urcu_memb_read_lock(); }
inline void read_unlock() noexcept { urcu_memb_read_unlock(); }
inline bool is_reading() noexcept { return urcu_memb_read_ongoing() != 0; }
inline void synchronize() noexcept { urcu_memb_synchronize_rcu(); }
inline void register_thread() noexcept { urcu_memb_register_thread(); }
inline void unregister_thread() noexcept { urcu_memb_unregister_thread(); }

#endif

}  // namespace rcuvm::sync::rcu::liburcu
