#include "train/evaluation/evaluate_run.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "models/decoding/composed.h"
#include "train/evaluation/consistency.h"
#include "train/evaluation/evaluate.h"
#include "train/evaluation/pairs/evaluation.h"
#include "train/evaluation/pairs/scoring.h"
#include "train/evaluation/perturbation.h"
#include "train/evaluation/reply_rule.h"
#include "train/evaluation/run_store.h"
#include "train/metrics/texts/sample_files.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

/// Those of the chosen metrics that the model has: a bound only where there is one.
std::vector<LikelihoodMetric> fits_of(const EvaluationChoice& choice, const Likelihood& model) {
  auto fits = choice.fits;
  std::erase_if(fits, [&](const LikelihoodMetric& metric) {
    return metric.value == &Likelihood::ppl_bound && model.bound == 0;
  });
  return fits;
}

/// The references as if they were replies: how varied people are, and how often they copy.
std::vector<Sample> references_as_replies(std::vector<Sample> samples) {
  for (auto& sample : samples) {
    sample.reply = std::move(sample.references.at(0));
    sample.references.clear();
  }
  return samples;
}

/// The run with the checkpoint that was taken.
std::string name_of(const EvaluationRequest& request, const models::Checkpoint& checkpoint) {
  return models::RunName::parse(request.model.run).run.string() + "@step-" +
         std::to_string(checkpoint.step) + (checkpoint.use_ema ? " (ema)" : "");
}

/// What every signature of a model or classifier on this split has.
template <typename Model>
std::string signature_of(const models::Loaded<Model>& loaded, const data::Store& store,
                         const data::Split& split) {
  return "checkpoint:" + loaded.checkpoint.hash.substr(0, 12) +
         "|tokenizer:" + loaded.tokenizer.hash().substr(0, 12) +
         "|data:" + store.corpus_hash().substr(0, 12) + "|split:" + split.name();
}

/// Which replies were taken, for signatures.
std::string replies_of(const models::LoadedModel& loaded, const data::Store& store) {
  return "|reply_by:" + (loaded.batch.reply_by == "auto"
                             ? std::string(data::usual_replies(store.format()))
                             : loaded.batch.reply_by);
}

/// The model's replies beside the references in their place. `judge` may be null.
void measure_texts(const EvaluationRequest& request, const models::LoadedModel& loaded,
                   const data::Split& split, models::ConsistencyJudge* judge, Findings& found) {
  const auto& metrics = request.choice.texts;
  if (request.replies == 0 || (metrics.empty() && request.replies_file.empty())) return;
  const AnswerOptions how{
      .decoding = request.decoding,
      .reranker = models::reranker_of(request.decoding, judge, loaded.tokenizer),
      .quiet = request.quiet};
  auto samples = answer(*loaded.model, loaded.tokenizer, split, loaded.batch, how, request.replies);
  if (judge != nullptr) judge_replies(*judge, samples, request.quiet);
  if (!request.replies_file.empty()) write_samples(request.replies_file, samples);
  MetricSettings settings{.tokenize = request.tokenize};
  if (!request.vectors.empty()) {
    found.vectors.emplace(request.vectors, std::vector<std::span<const Sample>>{samples},
                          std::span<const Sample>{}, request.tokenize);
    settings.vectors = &found.vectors->vectors;
  }
  found.answered = samples.size();
  found.texts.emplace_back(request.decoding.method, samples, metrics, settings);
  auto references = references_as_replies(std::move(samples));
  if (judge != nullptr) judge_replies(*judge, references, request.quiet);
  found.texts.emplace_back("reference", references, metrics, settings);
  std::erase_if(found.texts, [](const TextScores& one) { return one.scores.empty(); });
}

/// The true replies among the candidates that stand beside them.
void measure_ranking(const EvaluationRequest& request, const models::LoadedModel& loaded,
                     const data::Split& split, const std::string& how, Findings& found) {
  const auto& ks = request.choice.hits;
  if (ks.empty()) return;
  const auto ranks = rank_replies(*loaded.model, loaded.tokenizer, split, loaded.batch,
                                  request.rank_score, request.quiet);
  const auto* score = kRankScores.at(static_cast<std::size_t>(request.rank_score));
  found.ranking.emplace(ranks, ks, std::string("rank_score:") + score + "|" + how);
  found.sums.add_hits(ranks, ks);
}

/// The different values of a number that replies have, rising.
std::vector<std::uint64_t> numbers_of(const std::vector<ReplyLikelihood>& replies,
                                      std::uint64_t ReplyLikelihood::*number) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(replies.size());
  for (const auto& reply : replies) numbers.push_back(reply.*number);
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

/// The rise of each chosen alteration of the contexts.
void measure_rises(const EvaluationRequest& request, const models::LoadedModel& loaded,
                   const data::Split& split, const Evaluation& plain, Findings& found) {
  const auto groups = numbers_of(plain.replies, &ReplyLikelihood::group);
  for (const auto name : request.choice.perturbations) {
    const data::TransformOptions transform{.name = std::string(name)};
    const auto altered =
        altered_likelihoods(*loaded.model, loaded.tokenizer, split, loaded.batch, transform,
                            models::device_of(*loaded.model), request.quiet);
    const bool is_random = data::transform_named(name).is_random;
    const auto& rise = found.rises.emplace_back(
        std::string(kPerturb) + transform.name, plain.model, altered,
        (is_random ? "seed:" + std::to_string(transform.seed) + "|" : "") + found.signature);
    found.sums.add_rise(rise.name, groups, plain.model, altered);
  }
}

/// The judge of --nli; null without it.
/// Throws   DataError when nobody in the split has a persona to judge by
std::unique_ptr<models::ConsistencyJudge> judge_of(const EvaluationRequest& request,
                                                   const data::Split& split) {
  auto judge = request.nli.load(request.model);
  std::uint64_t dialogue = 0;
  while (dialogue < split.dialogues() && split.dialogue(dialogue).facts == 0) ++dialogue;
  if (judge && dialogue == split.dialogues())
    throw base::DataError("split \"" + split.name() +
                          "\" has no persona sentence that --nli could judge replies by; leave it "
                          "out, or name a store that has some with --store");
  return judge;
}

/// How the model tells entailed from contradicted hypotheses of a store of pairs.
void measure_pairs(const EvaluationRequest& request, const models::LoadedModel& loaded,
                   const data::Store& replies, Findings& found) {
  if (!request.choice.pairs || !request.pairs) return;
  const auto folder = request.pairs->empty() ? replies.folder().string() : *request.pairs;
  const auto store = open_store(folder, models::RunName::parse(request.model.run).run,
                                loaded.tokenizer, loaded.checkpoint, "--pairs");
  const auto& split = store.split(request.pairs_split);
  const auto likelihoods = score_pairs(*loaded.model, split, loaded.batch,
                                       models::device_of(*loaded.model), request.quiet);
  if (!request.pairs_file.empty()) write_pair_likelihoods(request.pairs_file, likelihoods);
  const auto* premise = loaded.batch.persona == "none" ? "unread" : "persona";
  found.pairs.emplace(likelihoods, store.folder().string(), split.name(), store.corpus_hash(),
                      signature_of(loaded, store, split) + "|premise:" + premise +
                          "|turns:none|shuffled:" + std::to_string(kPremiseSeed));
}

}  // namespace

Findings evaluate_replies(const EvaluationRequest& request, const models::LoadedModel& loaded,
                          const data::Store& store) {
  check_reply_by(loaded.batch.reply_by, store);
  const auto& split = store.split(request.split);
  const auto judge = judge_of(request, split);
  Findings found;
  const auto base = signature_of(loaded, store, split) + replies_of(loaded, store);
  measure_ranking(request, loaded, split, base, found);  // first: a split may have no candidates
  measure_pairs(request, loaded, store, found);          // or no pairs
  std::optional<NgramBaseline> baseline;
  if (store.has_split("train"))
    baseline.emplace(store.split("train"), data::ReplyRule(loaded.batch.reply_by, store.format()),
                     loaded.tokenizer.special(), loaded.tokenizer.vocab_size());
  const auto sums = evaluate(*loaded.model, split, loaded.batch, baseline ? &*baseline : nullptr,
                             models::device_of(*loaded.model), request.quiet);
  if (!request.likelihoods_file.empty()) write_likelihoods(request.likelihoods_file, sums.replies);

  found.run = name_of(request, loaded.checkpoint);
  found.store = store.folder().string();
  found.split = split.name();
  found.all = total(sums.model);
  found.dialogues = numbers_of(sums.replies, &ReplyLikelihood::dialogue).size();
  found.groups = sums.model.size();
  found.baseline_labels = baseline ? baseline->labels() : 0;
  found.signature =
      base + "|replies:" + std::to_string(static_cast<std::uint64_t>(found.all.replies)) +
      "|words:whitespace|interval:bootstrap-group-1000-12345|version:banter-" + BANTER_VERSION;
  if (const auto fits = fits_of(request.choice, found.all); !fits.empty()) {
    found.rows.emplace_back(loaded.type, sums.model, fits);
    if (baseline) {
      found.rows.emplace_back("bigram", sums.bigram, fits);
      found.rows.emplace_back("unigram", sums.unigram, fits);
    }
  }
  const auto& fits = request.choice.fits;
  if (const auto ppl = std::ranges::find(fits, "ppl", &LikelihoodMetric::name); ppl != fits.end())
    for (const auto& [name, groups] : sums.further)
      found.further.emplace_back(name, groups, std::vector{*ppl});
  if (request.choice.by_turn) found.by_turn = sums.by_turn.fits();
  measure_rises(request, loaded, split, sums, found);
  if (!request.sums_file.empty()) found.sums.write(request.sums_file);
  measure_texts(request, loaded, split, judge.get(), found);
  return found;
}

ClassifierFindings evaluate_classifier(const EvaluationRequest& request,
                                       const models::LoadedClassifier& loaded,
                                       const data::Store& store) {
  const auto& split = store.split(request.split);
  const auto* train = store.has_split("train") ? &store.split("train") : nullptr;
  auto evaluation = evaluate_pairs(*loaded.model, split, train, loaded.batch,
                                   loaded.model->parameters().front().device(), request.quiet);
  if (!request.sums_file.empty()) {
    DialogueSums sums;
    for (std::size_t p = 0; p < evaluation.pairs.size(); ++p)
      sums.add_pair(evaluation.pairs[p].group, evaluation.systems.front().fits[p]);
    sums.write(request.sums_file);
  }
  PairReportHead head{.run = name_of(request, loaded.checkpoint),
                      .store = store.folder().string(),
                      .split = split.name(),
                      .signature = signature_of(loaded, store, split) +
                                   "|pairs:" + std::to_string(evaluation.pairs.size()) +
                                   "|interval:bootstrap-group-1000-12345|version:banter-" +
                                   BANTER_VERSION};
  return {std::move(head), std::move(evaluation)};
}

}  // namespace banter::train
