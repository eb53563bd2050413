#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/metrics/statistics/comparison.h"
#include "train/metrics/texts/measure.h"

namespace banter::train {

/// How often values are drawn anew, and by which seed.
struct Resampling {
  std::size_t resamples = 1000;  ///< of intervals, > 0
  std::size_t trials = 10'000;   ///< of a test, > 0; a bootstrap does with fewer
  std::uint64_t seed = 12345;
  PairedTest test = PairedTest::kRandomisation;
};

/// A metric's value with all that must be known of it.
struct Score {
  const Metric* metric = nullptr;
  double value = 0;
  std::optional<Interval> interval;
  std::uint64_t counted = 0;  ///< replies that the value is made of; the others were skipped
  std::string signature;
  std::optional<Difference> difference;  ///< from another system's
  std::string test;                      ///< how the difference was tested

  [[nodiscard]] base::json::object to_json() const;
};

/// The scores of a system's replies, and how they differ from those of `others`: the same samples
/// with another system's replies, or nothing.
/// Throws   Stopped when a signal came
std::vector<Score> score(std::span<const Sample> samples, std::span<const Sample> others,
                         const std::vector<const Metric*>& metrics, const MetricSettings& settings,
                         const Resampling& resampling);

/// The metrics among `metrics` for which the samples have what they need.
std::vector<const Metric*> possible_metrics(std::span<const Metric* const> metrics,
                                            std::span<const Sample> samples, bool has_vectors);

/// One row a score, in columns: name, value, interval, where there are some the other value,
/// difference and p, and the signature.
void print_scores(std::ostream& out, std::span<const Score> scores);

/// A number of a table; "-" for what is none.
std::string fixed(double value, int digits);
/// A p value of a table: three digits that count.
std::string p_text(double p);
/// "[low, high]"; "-" where there is none.
std::string bounds(const std::optional<Interval>& interval, int digits);
/// Rows of cells as columns of equal width, two spaces apart.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);
base::json::value number_or_null(double value);

}  // namespace banter::train
