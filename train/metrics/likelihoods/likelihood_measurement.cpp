#include "train/metrics/likelihoods/likelihood_measurement.h"

#include <algorithm>
#include <array>
#include <utility>

#include "train/metrics/likelihoods/likelihood_metrics.h"

namespace banter::train {
namespace {

constexpr std::size_t kWidth = 7;

std::array<double, kWidth> row_of(const Likelihood& sums) {
  return {sums.nll, sums.labels, sums.correct, sums.words, sums.bytes, sums.replies, sums.bound};
}

Likelihood likelihood_of(std::span<const double> row) {
  return {.nll = row[0],
          .labels = row[1],
          .correct = row[2],
          .words = row[3],
          .bytes = row[4],
          .replies = row[5],
          .bound = row[6]};
}

/// Row `kIndex` of kLikelihoodMetrics.
template <std::size_t kIndex>
constexpr Metric metric(std::string_view what, std::string_view unit) {
  const auto value = [](std::span<const double> row, const MetricSettings&) {
    return (likelihood_of(row).*kLikelihoodMetrics[kIndex].value)();
  };
  return {kLikelihoodMetrics[kIndex].name,
          what,
          unit,
          kLikelihoodMetrics[kIndex].digits,
          Need::kNothing,
          "teacher-forced|words:whitespace",
          BySums{.width = kWidth, .add = nullptr, .value = value, .counted = nullptr}};
}

constexpr std::array kMetrics = {
    metric<0>("perplexity a token", "1 and more"),
    metric<1>("perplexity a word", "1 and more"),
    metric<2>("negative log-probability a word", "nats"),
    metric<3>("bits a byte", "bits"),
    metric<4>("share of labels that are the most probable", "0 to 1"),
    metric<5>("bound of the perplexity a token", "1 and more"),
};
static_assert(kMetrics.size() == kLikelihoodMetrics.size());

}  // namespace

std::span<const Metric> metrics_of_likelihoods() { return kMetrics; }

Measurement measure_likelihoods(std::span<const Likelihood> groups,
                                std::vector<const Metric*> metrics) {
  Measurement measurement;
  measurement.columns.assign(metrics.size(), 0);  // all are made of the same sums
  measurement.metrics = std::move(metrics);
  measurement.groups = groups.size();
  measurement.replies = static_cast<std::size_t>(total(groups).replies);
  measurement.sums = Table{.rows = groups.size(), .columns = kWidth};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto row = row_of(groups[g]);
    std::ranges::copy(row, measurement.sums.row(g).begin());
  }
  return measurement;
}

}  // namespace banter::train
