// SPDX-License-Identifier: Apache-2.0
std::atomic<int> not_in_the_seam;
