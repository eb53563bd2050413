#include "train/experiment/columns.h"

#include <algorithm>
#include <span>

#include "train/metrics/likelihoods/likelihood_measurement.h"
#include "train/metrics/pairs/pair_metrics.h"

namespace banter::train {
namespace {

const Metric* find_metric(std::span<const Metric> metrics, const std::string& name) {
  const auto found = std::ranges::find(metrics, std::string_view(name), &Metric::name);
  return found == metrics.end() ? nullptr : &*found;
}

Column column_of(const Metric& metric, const std::string& name) {
  return {.name = name, .what = std::string(metric.what), .digits = metric.digits};
}

Place place_pair_metric(const PairColumn& column, std::vector<PairReading>& readings) {
  auto found = std::ranges::find(readings, column.reading, &PairReading::name);
  if (found == readings.end()) found = readings.insert(found, {.name = column.reading});
  found->metrics.push_back(column.metric);
  return {.source = Source::kPairs,
          .index = found->metrics.size() - 1,
          .reading = static_cast<std::size_t>(found - readings.begin())};
}

void place(const std::string& name, PlacedMetrics& placed) {
  const auto take = [&](const Metric& metric, Place at) {
    placed.columns.push_back(column_of(metric, name));
    placed.places.push_back(at);
  };
  if (const auto pair = pair_column(name); pair.metric != nullptr) {
    take(*pair.metric, place_pair_metric(pair, placed.pairs));
  } else if (const auto* fit = find_metric(metrics_of_likelihoods(), name)) {
    take(*fit, {.source = Source::kLikelihoods, .index = placed.likelihoods.size()});
    placed.likelihoods.push_back(fit);
  } else if (const auto* of_texts = find_metric(known_metrics(), name)) {
    take(*of_texts, {.source = Source::kTexts, .index = placed.texts.size()});
    placed.texts.push_back(of_texts);
  } else {
    placed.columns.push_back({.name = name, .what = "as `banter evaluate` gives it"});
    placed.places.push_back({.source = Source::kAnswer, .index = placed.answers.size()});
    placed.answers.push_back(name);
  }
}

}  // namespace

PlacedMetrics place_metrics(const std::vector<std::string>& names) {
  PlacedMetrics placed;
  for (const auto& name : names) place(name, placed);
  return placed;
}

}  // namespace banter::train
