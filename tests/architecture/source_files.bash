# SPDX-License-Identifier: Apache-2.0
# Sourced by each check: goes to the tree that is to be looked at, and names its source files.

checks=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:?give the root of the tree}"

# Every C++ file of the project, and each header that it shares with C, without the trees that are planted to be caught.
source_files() {
  find bench examples explore include proc_maps src tests -path tests/architecture -prune -o \
    \( -name '*.hpp' -o -name '*.cpp' -o -name '*.h' \) -print 2>/dev/null | sort || true  # not every tree has every folder
}

# Scripts, CMake files, and what else can be run.
script_files() {
  find . \( -path ./build -o -path ./.git -o -path ./report -o -path ./tests/architecture/planted \) -prune -o -type f \
    \( -name CMakeLists.txt -o -name '*.cmake' -o -name '*.awk' -o -name '*.bash' -o -perm -100 \) -print |
    sed 's|^\./||' | sort
}

# Runs awk programs over the files named on standard input. Findings are printed, one a line; any of them, and a
# tree without files, makes the check fail.
scan() {  # PROGRAM.awk...
  local programs=() program files
  for program in "$@"; do programs+=(-f "$checks/$program"); done
  mapfile -t files
  [ ${#files[@]} -gt 0 ] || { echo "no files to look at"; exit 1; }
  awk "${programs[@]}" "${files[@]}" | sort -t: -k1,1 -k2,2n -k3 | uniq | awk '{ print } END { exit NR > 0 }'
}
