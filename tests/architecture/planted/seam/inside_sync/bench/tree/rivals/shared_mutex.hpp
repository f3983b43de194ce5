// SPDX-License-Identifier: Apache-2.0
#include <shared_mutex>
std::shared_mutex of_a_rival;
