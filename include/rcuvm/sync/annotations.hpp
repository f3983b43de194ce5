// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Clang's thread-safety annotations (-Wthread-safety). g++ does not know them and sees nothing.

#if defined(__clang__)
#define RCUVM_ANNOTATE(...) __attribute__((__VA_ARGS__))
#else
#define RCUVM_ANNOTATE(...)
#endif

#define RCUVM_CAPABILITY(name) RCUVM_ANNOTATE(capability(name))
#define RCUVM_SCOPED_CAPABILITY RCUVM_ANNOTATE(scoped_lockable)
#define RCUVM_GUARDED_BY(lock) RCUVM_ANNOTATE(guarded_by(lock))
#define RCUVM_REQUIRES(...) RCUVM_ANNOTATE(requires_capability(__VA_ARGS__))
#define RCUVM_REQUIRES_SHARED(...) RCUVM_ANNOTATE(requires_shared_capability(__VA_ARGS__))
#define RCUVM_EXCLUDES(...) RCUVM_ANNOTATE(locks_excluded(__VA_ARGS__))
#define RCUVM_ACQUIRE(...) RCUVM_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RCUVM_ACQUIRE_SHARED(...) RCUVM_ANNOTATE(acquire_shared_capability(__VA_ARGS__))
#define RCUVM_RELEASE(...) RCUVM_ANNOTATE(release_capability(__VA_ARGS__))
#define RCUVM_RELEASE_SHARED(...) RCUVM_ANNOTATE(release_shared_capability(__VA_ARGS__))
#define RCUVM_RELEASE_GENERIC(...) RCUVM_ANNOTATE(release_generic_capability(__VA_ARGS__))
#define RCUVM_TRY_ACQUIRE(...) RCUVM_ANNOTATE(try_acquire_capability(__VA_ARGS__))
#define RCUVM_TRY_ACQUIRE_SHARED(...) RCUVM_ANNOTATE(try_acquire_shared_capability(__VA_ARGS__))

/// For the bodies of the locks themselves, which the analysis cannot follow.
#define RCUVM_NO_THREAD_SAFETY_ANALYSIS RCUVM_ANNOTATE(no_thread_safety_analysis)
