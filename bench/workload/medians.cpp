// SPDX-License-Identifier: Apache-2.0
#include "bench/workload/medians.hpp"

#include "bench/statistics.hpp"

namespace rcuvm::workload {

medians measure(const scenario& of, const std::vector<std::string>& designs, const run_options& how,
                unsigned repetitions, const std::function<void(const std::string&)>& on_run) {
  std::map<std::string, std::map<std::string, std::vector<double>>> samples;
  for (unsigned repetition = 0; repetition < repetitions; ++repetition) {
    for (std::size_t turn = 0; turn < designs.size(); ++turn) {
      const std::string& design = designs[(turn + repetition) % designs.size()];
      on_run(design);
      for (const auto& [key, value] : run(of, design, how)) samples[design][key].push_back(value);
    }
  }
  medians made;
  for (const auto& [design, by_key] : samples) {
    for (const auto& [key, values] : by_key) made[design][key] = spread_of(values).median;
  }
  return made;
}

}  // namespace rcuvm::workload
