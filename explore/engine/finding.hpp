// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a run can find.

#include <cstdint>
#include <string>
#include <string_view>

namespace rcuvm::explore {

enum class finding_kind : std::uint8_t {
  none,
  check,           ///< an assertion of the product or a guarantee of the scenario
  use_after_free,  ///< a touch of memory that has been freed, or that a free does not wait for
  wild_touch,      ///< of memory that was never allocated
  double_free,
  leak,
  data_race,  ///< two unordered plain accesses, one of them a write
  deadlock,
  lock_order,
  endless,     ///< more steps than the limit
  divergence,  ///< the scenario is not deterministic, or a replayed schedule is of another program
};

[[nodiscard]] std::string_view name_of(finding_kind kind) noexcept;

struct finding {
  finding_kind kind = finding_kind::none;
  std::string what;          ///< one line
  std::uint32_t object = 0;  ///< offset of the memory it is about; 0: none
  [[nodiscard]] explicit operator bool() const noexcept { return kind != finding_kind::none; }
};

}  // namespace rcuvm::explore
