// SPDX-License-Identifier: Apache-2.0
int read() { return word.load_acquire(); }
