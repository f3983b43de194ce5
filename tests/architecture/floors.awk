# SPDX-License-Identifier: Apache-2.0
# The floors, lowest first: what stands under include/rcuvm and src, then the edges.

BEGIN {
  library_floors = split("base sync reclaim tree vm mm designs", names, " ")
  for (i = 1; i <= library_floors; i++) floor_named[names[i]] = i - 1
  umbrella = library_floors          # include/rcuvm/*.hpp: for users of the library
  edge_proc_maps = umbrella + 1
  edge_bench = umbrella + 2
  edge_explore = umbrella + 3        # beside bench: neither includes the other
  edge_tests = umbrella + 4
}

# The floor of a file; -1 when it lies on none.
function floor_of(path,    parts, count) {
  count = split(path, parts, "/")
  if (parts[1] == "include" && parts[2] == "rcuvm") {
    if (count == 3) return umbrella
    return (parts[3] in floor_named) ? floor_named[parts[3]] : -1
  }
  if (parts[1] == "src") return (count > 2 && parts[2] in floor_named) ? floor_named[parts[2]] : -1
  if (parts[1] == "proc_maps") return edge_proc_maps
  if (parts[1] == "bench") return edge_bench
  if (parts[1] == "explore") return edge_explore
  if (parts[1] == "tests" || parts[1] == "examples") return edge_tests
  return -1
}

function floor_name(floor) {
  if (floor < 0) return "no floor"
  if (floor < library_floors) return names[floor + 1]
  if (floor == umbrella) return "include/rcuvm"
  if (floor == edge_proc_maps) return "proc_maps"
  if (floor == edge_bench) return "bench"
  return floor == edge_explore ? "explore" : "tests"
}
