#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "train/metrics/texts/metric.h"

namespace banter::train {

/// A metric of the table.
struct Column {
  std::string name, what;
  int digits = 3;  ///< behind the point
};

/// Where a column's values come from.
enum class Source { kLikelihoods, kTexts, kAnswer, kPairs };

struct Place {
  Source source = Source::kAnswer;
  std::size_t index = 0;    ///< among the metrics of that source
  std::size_t reading = 0;  ///< of pairs: among `PlacedMetrics::pairs`
};

/// Metrics of pairs by one likelihood; "" = the model's own.
struct PairReading {
  std::string name;
  std::vector<const Metric*> metrics{};
};

/// The metrics of a table by where they come from.
struct PlacedMetrics {
  std::vector<Column> columns;
  std::vector<Place> places;  ///< of the columns
  std::vector<const Metric*> likelihoods, texts;
  std::vector<std::string> answers;  ///< of which `banter evaluate` said the value
  std::vector<PairReading> pairs;
};

/// Names each of `evaluate.metrics` a place; what no table of metrics knows is in the answer.
PlacedMetrics place_metrics(const std::vector<std::string>& names);

}  // namespace banter::train
