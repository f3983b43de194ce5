# SPDX-License-Identifier: Apache-2.0
# Only sync (and, for liburcu and Boost.Lockfree, reclaim) touches what a schedule explorer must stand in for:
# atomics, locks, threads, RCU. Everything above uses rcuvm::sync, so that it can be compiled twice.

BEGIN {
  headers = "<(atomic|mutex|shared_mutex|condition_variable|thread|stop_token|semaphore|latch|barrier|future|pthread\\.h|threads\\.h|semaphore\\.h|stdatomic\\.h)>"
  rcu_headers = "<(urcu[./].*|boost/lockfree/.*|boost/atomic.*)>"
  names_of_std = "std::(atomic[a-z_]*|memory_order[a-z_]*|mutex|shared_mutex|timed_mutex|recursive_mutex|condition_variable[a-z_]*|thread|jthread|this_thread|lock_guard|unique_lock|scoped_lock|shared_lock|call_once|once_flag|async|future|promise|latch|barrier|counting_semaphore|binary_semaphore)"
  other_names = "(thread_local|memory_order_[a-z]+|pthread_[a-z_]+|__atomic_[a-z_]+|__sync_[a-z_]+)"
  rcu_names = "(urcu_[a-z_]+|rcu_read_(un)?lock|rcu_dereference|rcu_assign_pointer|rcu_xchg_pointer|synchronize_rcu|call_rcu|boost::lockfree)"
  # Above floor 2 and in the library alone: what makes a run differ from its replay.
  unrepeatable = "(std::chrono|clock_gettime|gettimeofday|std::random_device|std::rand|malloc|calloc|realloc)"
}

{
  code = code_of($0)
  floor = floor_of(FILENAME)
  if (floor == floor_named["sync"] || FILENAME ~ /^tests\/sync\//) next  # a test of sync asks the real thing
  if (FILENAME == "bench/tree/rivals/shared_mutex.hpp") next  # what the tree is measured against has this lock
  if (FILENAME ~ /^tests\/relacy\/seam\//) next  # stands in for sync and Boost, under their names
  if (code ~ /^[ \t]*#[ \t]*include/) {
    flag(code, headers)
    if (floor != floor_named["reclaim"]) flag(code, rcu_headers)
    next
  }
  flag(code, names_of_std)
  flag(code, other_names)
  if (floor != floor_named["reclaim"]) flag(code, rcu_names)
  if (floor < umbrella) flag(code, unrepeatable)
}

# Flags the first match that is a whole word.
function flag(code, pattern,    before, found, after) {
  while (match(code, pattern)) {
    before = RSTART > 1 ? substr(code, RSTART - 1, 1) : " "
    found = substr(code, RSTART, RLENGTH)
    after = substr(code, RSTART + RLENGTH, 1)
    if (before !~ /[A-Za-z0-9_:]/ && after !~ /[A-Za-z0-9_]/) {
      print FILENAME ":" FNR ": " found " outside sync"
      return
    }
    code = substr(code, RSTART + RLENGTH)
  }
}
