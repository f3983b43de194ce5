// SPDX-License-Identifier: Apache-2.0
std::shared_mutex of_no_rival;
