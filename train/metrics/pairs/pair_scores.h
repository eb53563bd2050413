#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "train/metrics/pairs/pair_metrics.h"
#include "train/metrics/statistics/interval.h"

namespace banter::train {

/// The metrics of pairs by each of a model's likelihoods, with 95 % intervals by percentile
/// bootstrap over the pairs' groups.
struct PairScores {
  struct Figure {
    const Metric* metric = nullptr;
    double value = 0;
    Interval interval;
  };
  struct Reading {
    std::string name;  ///< ppl, ppl_d1, ...
    std::vector<Figure> figures;
  };
  std::string store, split;
  std::string data;  ///< hash of the store's corpora
  std::uint64_t entailed = 0, contradicted = 0, groups = 0;
  std::vector<Reading> readings;
  std::string signature;  ///< what all figures' signatures end in

  /// Of the pairs of a split of a store with this corpus hash. `how` says how they were scored.
  PairScores(const PairLikelihoods& likelihoods, std::string of_store, std::string of_split,
             std::string of_data, std::string_view how);
  [[nodiscard]] base::json::object to_json() const;
  /// A row for each figure, a column for each likelihood.
  void print(std::ostream& out) const;
};

/// The signature of a metric by a likelihood, `how` being what all of them end in.
std::string pair_signature(const Metric& metric, const std::string& reading, std::string_view how);

}  // namespace banter::train
