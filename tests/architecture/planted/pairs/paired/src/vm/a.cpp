// SPDX-License-Identifier: Apache-2.0
int read() {
  // a.R2 <- a.W1: the tag may stand on the line above
  return word.load_acquire();
}
void look() { word.fetch_add_acq_rel(0); }  // b.S2 <-> b.S1
