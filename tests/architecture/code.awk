# SPDX-License-Identifier: Apache-2.0
# A source line without its comments and without what stands in string literals.

# Call once for each line, in order: a /* comment may go on over lines.
function code_of(line,    out, rest, at, quote) {
  if (FNR == 1) in_comment = 0
  out = ""
  rest = line
  while (rest != "") {
    if (in_comment) {
      at = index(rest, "*/")
      if (at == 0) return out
      in_comment = 0
      rest = substr(rest, at + 2)
      continue
    }
    if (!match(rest, /"|'|\/\/|\/\*/)) return out rest
    out = out substr(rest, 1, RSTART - 1)
    quote = substr(rest, RSTART, RLENGTH)
    rest = substr(rest, RSTART + RLENGTH)
    if (quote == "//") return out
    if (quote == "/*") { in_comment = 1; continue }
    if (quote == "'" && out ~ /[0-9a-fA-F]$/) { out = out quote; continue }  # 1'000'000
    out = out quote
    while (rest != "" && substr(rest, 1, 1) != quote) rest = substr(rest, substr(rest, 1, 1) == "\\" ? 3 : 2)
    if (rest != "") { out = out quote; rest = substr(rest, 2) }
  }
  return out
}
