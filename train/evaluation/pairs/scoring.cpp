#include "train/evaluation/pairs/scoring.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/progress.h"
#include "base/signals.h"
#include "data/batches/pair_stream.h"
#include "models/decoding/eval_mode.h"
#include "train/evaluation/evaluate.h"
#include "train/evaluation/pairs/premises.h"
#include "train/metrics/statistics/groups.h"

namespace banter::train {
namespace {

using Nll = PairLikelihood::Nll;

/// Which likelihood a model's own score is.
std::string own_reading(const models::DialogueModel& model) {
  if (!model.has_draft()) return "ppl";
  return model.passes() == 1 ? "ppl_d2_causal" : "ppl_d2_draft";
}

/// The scores that are likelihoods: the model's own first.
std::vector<std::pair<std::string, models::Score>> likelihoods_of(models::DialogueModel& model,
                                                                  const data::Batch& batch) {
  std::vector<std::pair<std::string, models::Score>> scores;
  scores.emplace_back(own_reading(model), model.score(batch));
  for (auto& further : model.further_scores(batch))
    if (further.first.starts_with("ppl")) scores.push_back(std::move(further));
  return scores;
}

void expect_both_labels(const data::Split& split, const PairLikelihoods& likelihoods) {
  for (const auto label : {data::Label::kEntailment, data::Label::kContradiction})
    if (std::ranges::find(likelihoods.pairs, label, &PairLikelihood::label) ==
        likelihoods.pairs.end())
      throw base::DataError("split \"" + split.name() + "\" has no sentence pair of the label " +
                            std::string(data::to_text(label)) +
                            ", and figures of pairs compare entailed with contradicted ones; name "
                            "another store with --pairs, or its split with --pairs-split");
}

/// The pairs to be scored, with their labels and groups.
PairLikelihoods decided_pairs(const data::Split& split) {
  PairLikelihoods likelihoods;
  Groups groups;
  for (const auto pair : data::chosen_pairs(split, data::PairChoice::kDecided))
    likelihoods.pairs.push_back({.pair = pair,
                                 .group = groups.number(data::group_of(split.pair_record(pair))),
                                 .label = split.pair_label(pair),
                                 .labels = 0,
                                 .nll = {}});
  expect_both_labels(split, likelihoods);
  return likelihoods;
}

/// By a pair's number in the split: where its likelihood goes, and whose premise it gets when they
/// are shuffled.
struct Asked {
  Asked(const data::Split& split, PairLikelihoods& likelihoods)
      : likelihood(split.pairs(), nullptr), other(split.pairs(), 0) {
    std::vector<std::uint64_t> numbers;
    for (auto& pair : likelihoods.pairs) {
      numbers.push_back(pair.pair);
      likelihood[pair.pair] = &pair;
    }
    const auto taken = shuffled_premises(split, numbers, kPremiseSeed);
    for (std::size_t i = 0; i < numbers.size(); ++i) other[numbers[i]] = taken[i];
  }
  std::vector<PairLikelihood*> likelihood;
  std::vector<std::uint64_t> other;
};

template <typename T>
std::vector<T> chosen(const std::vector<T>& all, const std::vector<std::uint64_t>& numbers) {
  std::vector<T> some;
  some.reserve(numbers.size());
  for (const auto number : numbers) some.push_back(all[number]);
  return some;
}

/// The hypotheses of some pairs of a split behind premises.
class PairTexts {
 public:
  PairTexts(const data::Split& split, const data::BatchOptions& options,
            const data::SpecialIds& special)
      : split_(split), options_(options), special_(special) {}

  [[nodiscard]] bool has_premises() const { return options_.persona != "none"; }

  /// The batch's examples say in `dialogue` which of `pairs` they are.
  [[nodiscard]] data::Batch behind(std::span<const std::uint64_t> premises,
                                   std::span<const std::uint64_t> pairs) const {
    std::vector<data::PairIds> ids(pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      split_.append_premise(premises[i], ids[i].premise);
      split_.append_hypothesis(pairs[i], ids[i].hypothesis);
    }
    return data::make_pair_batch(ids, options_, special_).texts;
  }

  [[nodiscard]] data::Batch behind_nothing(std::span<const std::uint64_t> pairs) const {
    std::vector<data::Context> contexts(pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      contexts[i].turns.emplace_back();
      split_.append_hypothesis(pairs[i], contexts[i].reply);
    }
    return data::make_batch(contexts, options_, special_);
  }

 private:
  const data::Split& split_;
  const data::BatchOptions& options_;
  const data::SpecialIds& special_;
};

/// Adds what the model gives to each reply of a batch; `pairs` are those that its examples name.
void add(PairLikelihoods& likelihoods, std::span<PairLikelihood* const> pairs,
         models::DialogueModel& model, const data::Batch& texts, torch::Device device,
         double Nll::*of) {
  const auto scores = likelihoods_of(model, texts.to(device));
  if (likelihoods.readings.empty())
    for (const auto& [name, score] : scores) likelihoods.readings.push_back(name);
  for (std::size_t r = 0; r < scores.size(); ++r) {
    const auto replies = reply_likelihoods(scores[r].second, texts);
    for (std::size_t b = 0; b < replies.size(); ++b) {
      auto& pair = *pairs[texts.examples[b].dialogue];
      pair.nll.resize(scores.size());
      pair.nll[r].*of = replies[b].nll;
      pair.labels = replies[b].labels;
    }
  }
}

}  // namespace

PairLikelihoods score_pairs(models::DialogueModel& model, const data::Split& split,
                            const data::BatchOptions& options, torch::Device device, bool quiet) {
  const torch::NoGradGuard no_grad;
  const models::EvalMode eval(model);
  auto likelihoods = decided_pairs(split);
  const Asked asked(split, likelihoods);
  const PairTexts texts(split, options, model.vocabulary().special);
  data::PairEvaluationStream stream(split, options, model.vocabulary().special,
                                    data::PairChoice::kDecided, data::ReplyLength::kWhole);
  base::Progress progress(
      {.label = "pairs", .unit = "pairs", .total = stream.pairs(), .quiet = quiet});
  for (data::PairBatch batch; stream.next(batch); progress.advance(batch.pairs.size())) {
    base::throw_if_stopped();
    const auto pairs = chosen(asked.likelihood, batch.pairs);
    const auto add_score = [&](const data::Batch& replies, double Nll::*of) {
      add(likelihoods, pairs, model, replies, device, of);
    };
    if (texts.has_premises()) {
      add_score(texts.behind(batch.pairs, batch.pairs), &Nll::own);
      add_score(texts.behind(chosen(asked.other, batch.pairs), batch.pairs), &Nll::shuffled);
    } else {
      add_score(texts.behind_nothing(batch.pairs), &Nll::own);
      for (auto* pair : pairs)
        for (auto& nll : pair->nll) nll.shuffled = nll.own;
    }
  }
  return likelihoods;
}

}  // namespace banter::train
