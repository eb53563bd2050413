#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "train/metrics/statistics/interval.h"
#include "train/metrics/texts/metric.h"
#include "train/metrics/texts/pieces.h"

namespace banter::train {

/// Rows of numbers, one behind the other.
struct Table {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values = std::vector<double>(rows * columns);

  [[nodiscard]] std::span<double> row(std::size_t i) {
    return std::span(values).subspan(i * columns, columns);
  }
  [[nodiscard]] std::span<const double> row(std::size_t i) const {
    return std::span(values).subspan(i * columns, columns);
  }
};

/// The numbers of words and replies; systems that are compared must share one.
struct PieceVocabulary {
  Vocabulary words, replies;
};

/// What metrics say of one system's replies, as statistics by group, from which their values,
/// intervals and tests are made.
struct Measurement {
  std::vector<const Metric*> metrics;
  MetricSettings settings;
  std::size_t replies = 0, groups = 0;
  std::vector<std::size_t> columns;   ///< where each metric's sums begin in `sums`
  Table sums;                         ///< (groups, columns of all metrics made of sums)
  std::array<PieceCounts, 5> pieces;  ///< by order; empty where no metric asks for it

  [[nodiscard]] std::vector<double> values() const;
  /// How many replies each value is made of.
  [[nodiscard]] std::vector<std::uint64_t> counted() const;
  /// Percentile bootstrap over groups for metrics made of sums; jackknife over blocks of groups for
  /// those made of pieces, nothing where a block would be empty.
  [[nodiscard]] std::vector<std::optional<Interval>> intervals(std::size_t resamples = 1000,
                                                               std::uint64_t seed = 12345) const;
  /// The value of metric `i`, made of sums, from a row of sums.
  [[nodiscard]] double value_of(std::size_t i, std::span<const double> row) const;
};

/// Reads every sample once and measures it on all cores; the answer does not depend on their
/// number. Groups are numbered in the order in which they come up.
/// Throws   Stopped when a signal came
Measurement measure(std::span<const Sample> samples, std::vector<const Metric*> metrics,
                    const MetricSettings& settings, PieceVocabulary& vocabulary);

/// The sums of `resamples` draws of the rows, with replacement: (resamples, columns).
Table resampled_sums(const Table& rows, std::size_t resamples, std::uint64_t seed);

/// What every score of a measurement carries: how it was made, of what and by which version.
std::string signature(const Metric& metric, const MetricSettings& settings,
                      std::span<const Sample> samples, std::string_view data_hash,
                      std::size_t resamples, std::uint64_t seed);

/// A short hash of all that replies are compared with: references, contexts, personas,
/// groups.
std::string hash_of_data(std::span<const Sample> samples);

}  // namespace banter::train
