#include "train/evaluation/choice.h"

#include <algorithm>

#include "base/errors.h"
#include "base/utf8.h"
#include "data/transforms/transforms.h"
#include "train/metrics/likelihoods/hits.h"

namespace banter::train {
namespace {

std::vector<std::string_view> known_perturbations() {
  std::vector<std::string_view> names;
  for (const auto& transform : data::transforms())
    if (!transform.has_share) names.push_back(transform.name);
  return names;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  names.reserve(kLikelihoodMetrics.size());
  for (const auto& metric : kLikelihoodMetrics) names.emplace_back(metric.name);
  names.emplace_back(kByTurn);
  names.emplace_back(kOfPairs);
  for (const auto k : kUsualHits) names.push_back(std::string(kHits) + std::to_string(k));
  for (const auto name : known_perturbations())
    names.push_back(std::string(kPerturb) + std::string(name));
  for (const auto& metric : known_metrics()) names.emplace_back(metric.name);
  names.emplace_back(kUsual);
  return names;
}

/// Adds what a name stands for among all but the metrics of texts; false when it is none of them.
bool add(std::string_view name, EvaluationChoice& choice) {
  const auto perturbations = known_perturbations();
  if (const auto fit = std::ranges::find(kLikelihoodMetrics, name, &LikelihoodMetric::name);
      fit != kLikelihoodMetrics.end()) {
    choice.fits.push_back(*fit);
  } else if (name == kByTurn) {
    choice.by_turn = true;
  } else if (name == kOfPairs) {
    choice.pairs = choice.needs_pairs = true;
  } else if (const auto ks = hits_named(name); !ks.empty()) {
    choice.hits.insert(choice.hits.end(), ks.begin(), ks.end());
  } else if (name == kPerturb.substr(0, kPerturb.size() - 1)) {
    choice.perturbations = perturbations;
  } else if (name.starts_with(kPerturb)) {
    const auto found = std::ranges::find(perturbations, name.substr(kPerturb.size()));
    if (found == perturbations.end()) return false;
    choice.perturbations.push_back(*found);
  } else {
    return false;
  }
  return true;
}

/// The metrics in the order of the table, each once.
std::vector<LikelihoodMetric> in_order(const std::vector<LikelihoodMetric>& fits) {
  std::vector<LikelihoodMetric> sorted;
  for (const auto& metric : kLikelihoodMetrics)
    if (std::ranges::find(fits, metric.name, &LikelihoodMetric::name) != fits.end())
      sorted.push_back(metric);
  return sorted;
}

template <typename T>
void sort_once(std::vector<T>& things) {
  std::ranges::sort(things);
  things.erase(std::unique(things.begin(), things.end()), things.end());
}

}  // namespace

EvaluationChoice EvaluationChoice::usual() {
  EvaluationChoice choice;
  choice.fits.assign(kLikelihoodMetrics.begin(), kLikelihoodMetrics.end());
  choice.by_turn = true;
  choice.pairs = true;
  for (const auto& metric : known_metrics()) choice.texts.push_back(&metric);
  return choice;
}

EvaluationChoice EvaluationChoice::named(std::span<const std::string> names) {
  const bool with_usual = std::ranges::find(names, kUsual) != names.end();
  auto choice = with_usual ? usual() : EvaluationChoice{};
  std::vector<std::string> texts;
  for (const auto& name : names) {
    if (name == kUsual || add(name, choice)) continue;
    if (!stands_for_a_metric(name)) {
      std::string known;
      for (const auto& one : known_names()) known += " " + one;
      throw base::UsageError("banter evaluate: there is no metric \"" + base::printable(name) +
                             "\"; known:" + known);
    }
    texts.push_back(name);
  }
  const auto named = metrics_named(texts);
  choice.needs_vectors = std::ranges::find(named, Need::kVectors, &Metric::need) != named.end();
  choice.needs_judgements =
      std::ranges::find(named, Need::kJudgements, &Metric::need) != named.end();
  if (!with_usual) choice.texts = named;
  choice.fits = in_order(choice.fits);
  sort_once(choice.hits);
  sort_once(choice.perturbations);
  return choice;
}

}  // namespace banter::train
