#include "train/steering.h"

#include <algorithm>
#include <array>

namespace banter::train {
namespace {

struct Metric {
  std::string_view name;
  bool higher_is_better;
  double (Likelihood::*value)() const;
};

constexpr std::array kMetrics = {
    Metric{"bpb", false, &Likelihood::bpb},
    Metric{"ppl", false, &Likelihood::ppl},
    Metric{"ppl_word", false, &Likelihood::ppl_word},
    Metric{"token_accuracy", true, &Likelihood::token_accuracy},
};

}  // namespace

std::map<std::string, double> steering_metrics(const Likelihood& sums) {
  std::map<std::string, double> values;
  for (const auto& metric : kMetrics) values.emplace(metric.name, (sums.*metric.value)());
  return values;
}

bool is_steering_metric(std::string_view name) {
  return std::ranges::find(kMetrics, name, &Metric::name) != kMetrics.end();
}

std::string steering_metric_names() {
  std::string names;
  for (const auto& metric : kMetrics)
    names += (names.empty() ? "" : ", ") + std::string(metric.name);
  return names;
}

bool is_better(std::string_view metric, double value, double best) {
  const auto found = std::ranges::find(kMetrics, metric, &Metric::name);
  return found->higher_is_better ? value > best : value < best;
}

}  // namespace banter::train
