// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Latencies of many calls in little memory.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <boost/histogram.hpp>

namespace rcuvm::replay {

/// What is told of the latencies of one kind of call. Nanoseconds; all 0 when there was none.
struct latency_summary {
  std::uint64_t count = 0;
  double mean_ns = 0;
  double p50_ns = 0;
  double p99_ns = 0;
  double p999_ns = 0;
  double max_ns = 0;
};

/// A histogram with bins of equal ratio from 1 ns to 1,000 s. Percentiles are exact to the width of a bin, 1.2 %;
/// count, mean and maximum are exact. Thread-confined. Cost: a logarithm per sample; 19 kB.
class latency_histogram {
 public:
  static constexpr double lowest_ns = 1;
  static constexpr double highest_ns = 1e12;
  static constexpr unsigned bins = 2400;

  latency_histogram()
      : bins_{boost::histogram::make_histogram_with(std::vector<std::uint64_t>(),
                                                    axis{bins, lowest_ns, highest_ns})} {}

  void add(std::uint64_t latency_ns) {
    bins_(static_cast<double>(std::max<std::uint64_t>(latency_ns, 1)));
    ++count_;
    sum_ns_ += latency_ns;
    max_ns_ = std::max(max_ns_, latency_ns);
  }

  latency_histogram& operator+=(const latency_histogram& other) {
    bins_ += other.bins_;
    count_ += other.count_;
    sum_ns_ += other.sum_ns_;
    max_ns_ = std::max(max_ns_, other.max_ns_);
    return *this;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t sum_ns() const noexcept { return sum_ns_; }

  /// The least latency that at least `share` of all samples do not exceed (nearest rank): the middle of its bin.
  [[nodiscard]] double quantile_ns(double share) const {
    if (count_ == 0) return 0;
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (int bin = 0; bin < static_cast<int>(bins); ++bin) {
      seen += bins_.at(bin);
      if (seen >= rank) {
        const double middle = std::sqrt(bins_.axis().value(bin) * bins_.axis().value(bin + 1));
        return std::min(middle, static_cast<double>(max_ns_));
      }
    }
    return static_cast<double>(max_ns_);
  }

  [[nodiscard]] latency_summary summarize() const {
    if (count_ == 0) return {};
    return {.count = count_,
            .mean_ns = static_cast<double>(sum_ns_) / static_cast<double>(count_),
            .p50_ns = quantile_ns(0.5),
            .p99_ns = quantile_ns(0.99),
            .p999_ns = quantile_ns(0.999),
            .max_ns = static_cast<double>(max_ns_)};
  }

  /// For plots: f(latency_ns, share of samples slower than that), for each bin that holds something.
  template <class F>
  void for_each_tail(F f) const {
    std::uint64_t seen = 0;
    for (int bin = 0; bin < static_cast<int>(bins) && seen < count_; ++bin) {
      const std::uint64_t here = bins_.at(bin);
      if (here == 0) continue;
      f(bins_.axis().value(bin), static_cast<double>(count_ - seen) / static_cast<double>(count_));
      seen += here;
    }
  }

 private:
  using axis = boost::histogram::axis::regular<double, boost::histogram::axis::transform::log>;
  using histogram = decltype(boost::histogram::make_histogram_with(std::vector<std::uint64_t>(),
                                                                   axis{bins, lowest_ns, highest_ns}));

  histogram bins_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t max_ns_ = 0;
};

}  // namespace rcuvm::replay
