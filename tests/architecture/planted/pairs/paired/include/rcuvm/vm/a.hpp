// SPDX-License-Identifier: Apache-2.0
void publish() { word.store_release(1); }  // a.W1 -> a.R1, a.R2, and why
int read() { return word.load_acquire(); }  // a.R1 <- a.W1
void drop() { word.fetch_sub_acq_rel(1); }  // a.D1 -> a.D2; a.D2 <- a.D1
void enter() { word.exchange_acq_rel(1); }  // b.S1 <-> b.S2
