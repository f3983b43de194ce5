# SPDX-License-Identifier: Apache-2.0
# Includes go down only, and name files that are there.

BEGIN {
  for (i = 1; i < ARGC; i++) exists[ARGV[i]] = 1
}

FNR == 1 && floor_of(FILENAME) < 0 { print FILENAME ":1: lies on no floor" }

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
  quoted = $0 ~ /include[ \t]*"/
  name = $0
  sub(/^[^"<]*["<]/, "", name)
  sub(/[">].*$/, "", name)
  target = resolve(name, FILENAME)
  if (target != "") {
    edges++
    from[edges] = FILENAME
    to[edges] = target
    place[edges] = FILENAME ":" FNR
  } else if (quoted || name ~ /^rcuvm\//) {
    print FILENAME ":" FNR ": includes \"" name "\", which is not in the project"
  }
}

# The project's file behind an include, or "".
function resolve(name, includer,    folder) {
  folder = includer
  sub(/[^\/]*$/, "", folder)
  if (("include/" name) in exists) return "include/" name
  if (name in exists) return name
  if ((folder name) in exists) return folder name
  return ""
}

function is_front(path) { return floor_of(path) == umbrella }

# A front, include/rcuvm/x.hpp, is how users name a part of the library: it stands as high as what it includes.
function place_fronts(    changed, i, height) {
  for (i in exists) floor[i] = is_front(i) ? 0 : floor_of(i)
  do {
    changed = 0
    for (i = 1; i <= edges; i++) {
      height = floor[to[i]]
      if (is_front(from[i]) && height < umbrella && height > floor[from[i]]) { floor[from[i]] = height; changed = 1 }
    }
  } while (changed)
}

# A profiler may take the text parser and formatter without the rest: with all that they include in proc_maps
# they stand on floor 0 alone.
function find_standing_alone(    path, grown, i, body) {
  for (path in exists) if (path ~ /^proc_maps\/(entry|parse|format)\.[ch]pp$/) alone[path] = 1
  do {
    grown = 0
    for (i = 1; i <= edges; i++) {
      if (!(from[i] in alone) || floor_of(to[i]) != edge_proc_maps || to[i] in alone) continue
      body = to[i]
      sub(/\.hpp$/, ".cpp", body)
      alone[to[i]] = 1
      if (body in exists) alone[body] = 1
      grown = 1
    }
  } while (grown)
}

END {
  place_fronts()
  find_standing_alone()
  for (i = 1; i <= edges; i++) {
    if (floor[to[i]] > floor[from[i]])
      print place[i] ": " floor_name(floor[from[i]]) " includes " to[i] " of " floor_name(floor[to[i]]) ", a higher floor"
    if (floor[from[i]] == edge_explore && floor[to[i]] == edge_bench)
      print place[i] ": explore includes " to[i] " of bench, which stands beside it"
    if (from[i] in alone && floor[to[i]] > 0 && floor[to[i]] != edge_proc_maps)
      print place[i] ": parser and formatter stand on base alone, and this includes " to[i]
  }
}
