#include "train/tasks/pair_task.h"

#include <torch/nn/functional/loss.h>

#include "base/errors.h"
#include "base/signals.h"
#include "data/batches/staged.h"
#include "models/layers/products.h"
#include "models/pair_classifiers.h"
#include "train/evaluation/pairs/classify.h"
#include "train/mix_hash.h"
#include "train/ranks/share_rows.h"
#include "train/steering.h"
#include "train/validation.h"

namespace banter::train {
namespace {

models::PairClassifierPtr build(const Recipe& recipe, const data::Tokenizer& tokenizer,
                                torch::Device device) {
  auto classifier = models::build_pair_classifier(
      recipe.config.root().section("model"),
      {.size = tokenizer.vocab_size(), .special = tokenizer.special()}, recipe.train.seed);
  classifier->to(device);
  classifier->train();
  return classifier;
}

const data::Split* split_to_judge_by(const Recipe& recipe, const data::Store& store) {
  const auto* split = validation_split(store, recipe.train);
  if (split != nullptr && split->pairs() == 0)
    refuse_validation(store, "split \"" + split->name() + "\" has no sentence pair");
  return split;
}

std::vector<std::uint64_t> pairs_to_learn(const Recipe& recipe, const data::Split& split) {
  return data::pairs_of(split, data::chosen_pairs(split, data::PairChoice::kAll), recipe.part());
}

}  // namespace

PairTask::PairTask(const Recipe& recipe, const data::Store& store, torch::Device device)
    : recipe_(recipe),
      store_(store),
      device_(device),
      classifier_(build(recipe, store.tokenizer(), device)),
      stream_(store.split(recipe.train.split),
              pairs_to_learn(recipe, store.split(recipe.train.split)), recipe.batch,
              store.tokenizer().special(), recipe.train.seed),
      valid_(split_to_judge_by(recipe, store)) {}

double PairTask::loss_weight(std::string_view /*loss*/, std::int64_t /*updates*/) const {
  return 1;
}

std::int64_t PairTask::active_from(const std::string& /*parameter*/) const { return 0; }

std::vector<models::LossSum> PairTask::losses(const data::PairBatch& pairs) {
  using torch::nn::functional::CrossEntropyFuncOptions;
  const auto on_device = pairs.to(device_);
  const auto sum = torch::nn::functional::cross_entropy(
      models::widened(classifier_->logits(on_device)), on_device.label,
      CrossEntropyFuncOptions().reduction(torch::kSum));
  return {{"nll", sum, pairs.size()}};
}

std::vector<MicroBatch> PairTask::next(Share share) {
  std::vector<MicroBatch> batches;
  for (std::int64_t i = 0; i < recipe_.train.micro_batches * share.of; ++i, ++batches_) {
    if (!share.has(i)) {
      stream_.skip();
      continue;
    }
    const auto pairs = data::staged(stream_.next(), device_);
    batches.push_back({.number = i,
                       .labels = pairs.size(),
                       .counts = {{"nll", pairs.size()}},
                       .losses = [this, pairs](std::int64_t /*updates*/) { return losses(pairs); },
                       .cells = [pairs] { return cells_of(pairs.texts); }});
  }
  return batches;
}

void PairTask::note_place(TrainState& state) const {
  state.position = {batches_, {stream_.position()}};
}

void PairTask::seek(const TrainState& state) {
  if (state.position.splits.size() != 1)
    throw base::DataError("a place in a mix of " + std::to_string(state.position.splits.size()) +
                          " splits is none in the pairs of one");
  stream_.seek(state.position.splits.front());
  batches_ = state.position.batches;
}

std::string PairTask::data_hash() const { return hash_of_part(store_.hash(), recipe_); }

std::optional<Judgement> PairTask::judge(Ranks& ranks) {
  const auto most = recipe_.train.valid_replies;
  const torch::NoGradGuard no_grad;
  const bool was_training = classifier_->is_training();
  classifier_->eval();
  data::PairEvaluationStream stream(*valid_, recipe_.batch, store_.tokenizer().special(),
                                    data::PairChoice::kAll, data::ReplyLength::kCut);
  std::vector<PairFit> pairs;
  data::PairBatch next;
  for (std::size_t number = 0;
       (most == 0 || std::ssize(pairs) < most) && base::stop_signal() == 0 && stream.next(next);
       ++number) {
    const auto begin = pairs.size();
    pairs.resize(begin + static_cast<std::size_t>(next.size()));
    if (makes_row(ranks, number))
      std::ranges::transform(classify(*classifier_, next, device_),
                             pairs.begin() + static_cast<std::ptrdiff_t>(begin),
                             &ClassifiedPair::fit);
  }
  classifier_->train(was_training);
  if (!share_rows(ranks, pairs, base::stop_signal() != 0)) return {};
  PairFit sums;
  for (const auto& pair : pairs) sums += pair;
  return Judgement{.metrics = steering_metrics(sums),
                   .count = static_cast<std::int64_t>(sums.pairs),
                   .unit = "pairs"};
}

}  // namespace banter::train
