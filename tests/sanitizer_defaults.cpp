// SPDX-License-Identifier: Apache-2.0

/// The sanitizers' settings, linked into each program, so that it behaves alike under ctest and by hand.
/// The variables TSAN_OPTIONS, ASAN_OPTIONS and UBSAN_OPTIONS still override them. The names are the runtimes'.

extern "C" {

const char* __tsan_default_options();
const char* __tsan_default_suppressions();
const char* __asan_default_options();
const char* __ubsan_default_options();

/// atexit_sleep_ms: the default waits one second at the end of each process.
const char* __tsan_default_options() { return "atexit_sleep_ms=0:halt_on_error=1:second_deadlock_stack=1"; }

/// liburcu 0.13 has no annotations: what it does to its own memory inside the library looks like a race. Our use
/// of it is annotated in rcuvm/sync, so that races of ours around it are still found.
const char* __tsan_default_suppressions() {
  return "called_from_lib:liburcu-memb.so\n"
         "called_from_lib:liburcu-qsbr.so\n";
}

const char* __asan_default_options() {
  return "detect_leaks=1:strict_string_checks=1:check_initialization_order=1:detect_stack_use_after_return=1";
}

const char* __ubsan_default_options() { return "print_stacktrace=1:halt_on_error=1"; }
}
