#include "train/steering.h"

#include <algorithm>
#include <array>

namespace banter::train {
namespace {

struct Metric {
  std::string_view name;
  bool higher_is_better;
  JudgedOn what;
};

constexpr std::array kMetrics = {
    Metric{"accuracy", true, JudgedOn::kPairs},
    Metric{"bpb", false, JudgedOn::kReplies},
    Metric{"loss", false, JudgedOn::kPairs},
    Metric{"ppl", false, JudgedOn::kReplies},
    Metric{"ppl_word", false, JudgedOn::kReplies},
    Metric{"token_accuracy", true, JudgedOn::kReplies},
};

}  // namespace

std::map<std::string, double> steering_metrics(const Likelihood& sums) {
  return {{"bpb", sums.bpb()},
          {"ppl", sums.ppl()},
          {"ppl_word", sums.ppl_word()},
          {"token_accuracy", sums.token_accuracy()}};
}

std::map<std::string, double> steering_metrics(const PairFit& sums) {
  return {{"accuracy", sums.accuracy()}, {"loss", sums.loss()}};
}

bool is_steering_metric(std::string_view name, JudgedOn what) {
  const auto found = std::ranges::find(kMetrics, name, &Metric::name);
  return found != kMetrics.end() && found->what == what;
}

std::string steering_metric_names(JudgedOn what) {
  std::string names;
  for (const auto& metric : kMetrics)
    if (metric.what == what) names += (names.empty() ? "" : ", ") + std::string(metric.name);
  return names;
}

std::string usual_steering_metric(JudgedOn what) {
  return what == JudgedOn::kPairs ? "accuracy" : "ppl";
}

bool is_better(std::string_view metric, double value, double best) {
  const auto found = std::ranges::find(kMetrics, metric, &Metric::name);
  return found->higher_is_better ? value > best : value < best;
}

}  // namespace banter::train
