// SPDX-License-Identifier: Apache-2.0
void publish() { word.store_release(1); }  // a.W1 -> a.R1
int read() { return word.load_acquire(); }  // a.R2 <- a.W1
void swap() { word.exchange_acq_rel(1); }  // b.S1 <-> b.S2
void other() { word.fetch_add_acq_rel(1); }  // b.S2 <- b.S1
int untagged() { return word.load_acquire(); }
int relaxed() { return word.load_relaxed(); }
void pointer() { word->cas_release(a, b); }  // takes the lock
