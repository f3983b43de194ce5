# SPDX-License-Identifier: Apache-2.0
# Every ordered access carries a pair tag, and every tag has its partner.
#
#   // seq.W2 -> seq.R1                    this access is seq.W2 and publishes to seq.R1
#   // seq.R1 <- seq.W2, seq.W3            this access is seq.R1 and sees what those published
#   // tree.D1 -> tree.D2; tree.D2 <- tree.D1    this access is both
#   // tlb.A1 <-> tlb.A2                   neither may pass the other (store, then load)
#
# Each partner must name the tag back, with the arrow turned. The tag stands on the line of the access or on the
# line before it; other text may follow it.

BEGIN {
  tag = "[a-z_]+\\.[A-Z][0-9]+"
  arrow = "^[ ]*(<->|->|<-)"
  ordered = "[.>](load|store|exchange|fetch_[a-z]+|cas)_(acquire|release|acq_rel|seq_cst)[ ]*\\(|[^a-z_.](acquire|release|seq_cst)_fence[ ]*\\("
}

floor_of(FILENAME) < 0 || floor_of(FILENAME) > umbrella { next }  # the tools around the library only count

{
  code = code_of($0)
  tagged = read_tags($0)
  if (tagged && code ~ /^[ \t]*$/) last_tagged = FILENAME ":" FNR
  if (!tagged && code ~ ordered && !declares_operations() && last_tagged != FILENAME ":" (FNR - 1))
    print FILENAME ":" FNR ": ordered access without a pair tag"
}

# Where the operations themselves are written, no object stands before them.
function declares_operations() { return FILENAME == "include/rcuvm/sync/atomic.hpp" }

function read_tags(line,    text, found, own, points, other) {
  if (!match(line, "//+<?[ ]*" tag "[ ]*(<->|->|<-)[ ]*" tag)) return 0
  text = substr(line, RSTART)
  sub(/^\/+<?/, "", text)
  while (match(text, "^[ ,;]*" tag)) {
    found = substr(text, RSTART, RLENGTH)
    sub(/^[ ,;]*/, "", found)
    text = substr(text, RSTART + RLENGTH)
    if (match(text, arrow)) {
      own = found
      points = substr(text, RSTART, RLENGTH)
      gsub(/ /, "", points)
      text = substr(text, RSTART + RLENGTH)
      continue
    }
    said[own, points, found] = 1
    wants++
    want_own[wants] = own
    want_points[wants] = points
    want_other[wants] = found
    want_place[wants] = FILENAME ":" FNR
  }
  return 1
}

END {
  turned["->"] = "<-"
  turned["<-"] = "->"
  turned["<->"] = "<->"
  for (i = 1; i <= wants; i++) {
    back = turned[want_points[i]]
    if (!((want_other[i], back, want_own[i]) in said))
      print want_place[i] ": " want_own[i] " " want_points[i] " " want_other[i] " has no partner '" want_other[i] " " back " " want_own[i] "'"
  }
}
