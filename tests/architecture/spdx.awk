# SPDX-License-Identifier: Apache-2.0
# Every source says its licence on its first line; a script on its second, after #!.

FNR == 1 { is_script = /^#!/ }
FNR == (is_script ? 2 : 1) && /^(\/\/|#) SPDX-License-Identifier: Apache-2\.0$/ { said[FILENAME] = 1 }

END {
  for (i = 1; i < ARGC; i++)
    if (!(ARGV[i] in said)) print ARGV[i] ":1: does not open with its SPDX line"
}
