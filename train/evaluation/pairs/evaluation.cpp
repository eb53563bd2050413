#include "train/evaluation/pairs/evaluation.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/progress.h"
#include "base/signals.h"
#include "data/batches/pair_stream.h"
#include "train/evaluation/pairs/classify.h"
#include "train/metrics/pairs/bag_of_words.h"
#include "train/metrics/statistics/groups.h"

namespace banter::train {
namespace {

constexpr std::size_t kResamples = 1000;
constexpr std::uint64_t kSeed = 12345;

/// The fits of every pair in the order of the split.
std::vector<PairFit> fits_of(models::PairClassifier& classifier, const data::Split& split,
                             const data::BatchOptions& options, torch::Device device, bool quiet) {
  const torch::NoGradGuard no_grad;
  const bool was_training = classifier.is_training();
  classifier.eval();
  data::PairEvaluationStream stream(split, options, classifier.vocabulary().special,
                                    data::PairChoice::kAll, data::ReplyLength::kCut);
  base::Progress progress(
      {.label = "evaluate", .unit = "pairs", .total = stream.pairs(), .quiet = quiet});
  std::vector<PairFit> fits(split.pairs());
  data::PairBatch batch;
  while (stream.next(batch)) {
    base::throw_if_stopped();
    for (const auto& pair : classify(classifier, batch, device)) fits[pair.pair] = pair.fit();
    progress.advance(batch.pairs.size());
  }
  classifier.train(was_training);
  return fits;
}

PairFit fit_of(data::Label said, data::Label label) {
  return {.nll = 0, .correct = said == label ? 1.0 : 0.0, .pairs = 1};
}

data::Label most_frequent(const data::Split& split) {
  std::array<std::uint64_t, models::PairClassifier::kLabels> counts{};
  for (std::uint64_t pair = 0; pair < split.pairs(); ++pair)
    ++counts.at(static_cast<std::size_t>(split.pair_label(pair)));
  return static_cast<data::Label>(std::ranges::max_element(counts) - counts.begin());
}

}  // namespace

PairEvaluation evaluate_pairs(models::PairClassifier& classifier, const data::Split& split,
                              const data::Split* train, const data::BatchOptions& options,
                              torch::Device device, bool quiet) {
  if (split.pairs() == 0)
    throw base::DataError("split \"" + split.name() +
                          "\" has no sentence pair to classify; name another with --split, or a "
                          "store of pairs with --store");
  PairEvaluation evaluation;
  evaluation.systems.push_back({"model", fits_of(classifier, split, options, device, quiet)});
  const bool has_baselines = train != nullptr && train->pairs() > 0;
  std::optional<BagOfWords> both, hypothesis;
  PairSystem words{"bag_of_words", {}}, half{"hypothesis_words", {}}, majority{"majority", {}};
  auto usual = data::Label::kNeutral;
  if (has_baselines) {
    both.emplace(*train, BagOfWords::Reads::kBoth);
    hypothesis.emplace(*train, BagOfWords::Reads::kHypothesis);
    usual = most_frequent(*train);
    evaluation.baseline_pairs = train->pairs();
  }
  Groups groups;
  for (std::uint64_t pair = 0; pair < split.pairs(); ++pair) {
    base::throw_if_stopped();
    const auto record = split.pair_record(pair);
    evaluation.pairs.push_back(
        {record.label, record.source, groups.number(data::group_of(record))});
    if (!has_baselines) continue;
    words.fits.push_back(fit_of(both->most_probable(record), record.label));
    half.fits.push_back(fit_of(hypothesis->most_probable(record), record.label));
    majority.fits.push_back(fit_of(usual, record.label));
  }
  if (has_baselines)
    for (auto* system : {&words, &half, &majority})
      evaluation.systems.push_back(std::move(*system));
  return evaluation;
}

std::vector<PairFit> PairEvaluation::groups(
    const PairSystem& system, const std::function<bool(const JudgedPair&)>& takes) const {
  std::map<std::uint64_t, PairFit> sums;
  for (std::size_t p = 0; p < pairs.size(); ++p)
    if (takes(pairs[p])) sums[pairs[p].group] += system.fits[p];
  std::vector<PairFit> groups;
  groups.reserve(sums.size());
  for (const auto& [group, sum] : sums) groups.push_back(sum);
  return groups;
}

PairFit total(const std::vector<PairFit>& groups) {
  PairFit sum;
  for (const auto& group : groups) sum += group;
  return sum;
}

Interval interval_of(const std::vector<PairFit>& groups, double (PairFit::*figure)() const) {
  std::vector<double> values(kResamples);
  for (std::size_t r = 0; r < kResamples; ++r) {
    PairFit sum;
    for_each_drawn(groups.size(), kSeed, r, [&](std::size_t group) { sum += groups[group]; });
    values[r] = (sum.*figure)();
  }
  return interval_over(groups.size(), std::move(values));
}

}  // namespace banter::train
