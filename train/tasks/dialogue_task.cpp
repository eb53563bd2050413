#include "train/tasks/dialogue_task.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/random.h"
#include "data/batches/dropped_dialogues.h"
#include "data/batches/staged.h"
#include "models/label_losses.h"
#include "models/registry.h"
#include "train/evaluation/reply_rule.h"
#include "train/mix_hash.h"
#include "train/steering.h"
#include "train/tasks/decoded_samples.h"
#include "train/tasks/word_drop.h"
#include "train/validation.h"

namespace banter::train {
namespace {

models::ModelPtr build(const Recipe& recipe, const data::Tokenizer& tokenizer,
                       torch::Device device) {
  auto model = models::build_model(recipe.config.root().section("model"),
                                   {.size = tokenizer.vocab_size(), .special = tokenizer.special()},
                                   recipe.train.seed);
  model->to(device);
  model->train();
  return model;
}

/// A store beside the recipe's own. `key` names it in the recipe.
data::Store open_beside(const data::Store& store, const std::filesystem::path& folder,
                        const std::string& key) {
  auto other = data::Store::open(folder);
  other.verify();
  if (other.tokenizer().hash() != store.tokenizer().hash())
    throw base::ConfigError(
        key + ": " + folder.string() + " has another tokenizer than " + store.folder().string() +
        ": prepare it with data.tokenizer.path: " + (store.folder() / "tokenizer.model").string());
  return other;
}

std::vector<data::Store> open_mixed(const Recipe& recipe, const data::Store& store) {
  std::vector<data::Store> stores;
  stores.reserve(recipe.mix.size());
  for (const auto& mixed : recipe.mix) stores.push_back(open_beside(store, mixed.store, "mix"));
  return stores;
}

std::vector<data::BatchMix::Source> sources_of(const Recipe& recipe, const data::Store& store,
                                               const std::vector<data::Store>& mixed) {
  std::vector<data::BatchMix::Source> sources = {
      {&store.split(recipe.train.split), 1, recipe.part()}};
  for (std::size_t i = 0; i < mixed.size(); ++i)
    sources.push_back({&mixed[i].split(recipe.train.split), recipe.mix[i].weight, recipe.part()});
  return sources;
}

/// Leaves out of `pairs`, or just counts, those that were made from dialogues that a recipe drops.
/// Returns   how many of those that are left were
std::uint64_t without_dropped(const Recipe& recipe, const data::Split& split,
                              const std::vector<data::BatchMix::Source>& sources,
                              std::vector<std::uint64_t>& pairs) {
  data::DroppedDialogues dropped;
  for (const auto& source : sources) dropped.add(*source.split, source.part);
  const auto is_of_dropped = [&](std::uint64_t pair) {
    return dropped.made(split.pair_record(pair));
  };
  if (recipe.pairs.exclude == "none")
    return static_cast<std::uint64_t>(std::ranges::count_if(pairs, is_of_dropped));
  std::erase_if(pairs, is_of_dropped);
  if (pairs.empty())
    throw base::ConfigError(
        "pairs.exclude: every sentence pair of split \"" + split.name() +
        "\" was made from a dialogue that train.fraction drops; learn from more dialogues, or set "
        "it to none");
  return 0;
}

const data::Split* split_to_judge_by(const Recipe& recipe, const data::Store& store) {
  const auto* split = validation_split(store, recipe.train);
  const auto& special = store.tokenizer().special();
  if (split != nullptr && data::EvaluationStream(*split, recipe.batch, special).replies() == 0)
    refuse_validation(store, "split \"" + split->name() +
                                 "\" has no reply by batch.reply_by: " + recipe.batch.reply_by);
  return split;
}

}  // namespace

DialogueTask::DialogueTask(const Recipe& recipe, const data::Store& store, torch::Device device)
    : recipe_(recipe),
      store_(store),
      device_(device),
      model_(build(recipe, store.tokenizer(), device)),
      mixed_(open_mixed(recipe, store)),
      stream_(sources_of(recipe, store, mixed_), recipe.batch, store.tokenizer().special(),
              recipe.train.seed),
      valid_(split_to_judge_by(recipe, store)) {
  check_reply_by(recipe.batch.reply_by, store);
  for (const auto& other : mixed_) check_reply_by(recipe.batch.reply_by, other);
  if (recipe.train.pairs_per_dialogue_batch > 0) begin_pairs();
  models::smooth_labels(*model_, {recipe.train.label_smoothing, store.tokenizer().special().pad});
}

void DialogueTask::begin_pairs() {
  const auto& source = recipe_.pairs;
  if (!source.store.empty()) pair_store_ = open_beside(store_, source.store, "pairs.store");
  const auto& store = pair_store_ ? *pair_store_ : store_;
  const auto& split = store.split(source.split);
  auto pairs = data::pairs_of(split, data::chosen_pairs(split, data::PairChoice::kDecided),
                              {source.fraction, recipe_.train.fraction_seed});
  if (recipe_.train.fraction < 1)
    pairs_of_dropped_ = without_dropped(recipe_, split, sources_of(recipe_, store_, mixed_), pairs);
  pairs_.emplace(split, std::move(pairs), recipe_.batch, store_.tokenizer().special(),
                 base::join_keys(recipe_.train.seed, base::key_of("pairs")));
  if (model_->pair_loss_counts(pairs_->next()).empty())
    throw base::ConfigError(
        "train.pairs_per_dialogue_batch: this type of model learns nothing from sentence pairs; "
        "set it to 0");
  pairs_->seek({});
}

/// Where labels are smoothed it is the smoothed loss that is learned from, in the other's place.
double DialogueTask::loss_weight(std::string_view loss, std::int64_t updates) const {
  if (recipe_.train.label_smoothing > 0) {
    if (models::is_of_labels(loss)) return 0;
    if (loss.ends_with(models::kSmoothed)) loss.remove_suffix(models::kSmoothed.size());
  }
  return model_->loss_weight(loss, updates);
}

std::int64_t DialogueTask::active_from(const std::string& parameter) const {
  const auto updates_before = model_->active_from(parameter);
  return updates_before == 0 ? 0 : updates_before + 1;  // steps count from 1
}

MicroBatch DialogueTask::of_replies(const data::Batch& batch) {
  auto counts = model_->loss_counts(batch);
  if (recipe_.train.label_smoothing > 0)
    for (std::size_t i = 0, n = counts.size(); i < n; ++i)
      if (const auto [loss, count] = counts[i]; models::is_of_labels(loss))
        counts.emplace_back(loss + std::string(models::kSmoothed), count);
  return {.labels = batch.label_count,
          .counts = std::move(counts),
          .losses =
              [this, batch](std::int64_t updates) {
                if (recipe_.train.word_drop == 0)
                  return model_->losses_that_count(batch.to(device_), updates);
                auto dropped = batch;
                dropped.decoder_input = with_words_dropped(
                    batch.decoder_input, recipe_.train.word_drop, store_.tokenizer().special());
                return model_->losses_that_count(dropped.to(device_), updates);
              },
          .cells = [batch] { return cells_of(batch); }};
}

MicroBatch DialogueTask::of_pairs(const data::PairBatch& batch) {
  return {
      .labels = 0,  // a run counts the labels of its dialogues
      .counts = model_->pair_loss_counts(batch),
      .losses = [this, batch](
                    std::int64_t /*updates*/) { return model_->pair_losses(batch.to(device_)); },
      .cells = [batch] { return cells_of(batch.texts); }};
}

std::vector<MicroBatch> DialogueTask::next(Share share) {
  const auto replies = recipe_.train.micro_batches * share.of;
  const auto pairs = pairs_ ? replies * recipe_.train.pairs_per_dialogue_batch : 0;
  std::vector<MicroBatch> batches;
  for (std::int64_t i = 0; i < replies; ++i) {
    if (share.has(i)) {
      batches.push_back(of_replies(data::staged(stream_.next(), device_)));
      batches.back().number = i;
    } else {
      stream_.skip();
    }
  }
  for (std::int64_t i = 0; i < pairs; ++i) {
    if (share.has(i)) {
      batches.push_back(of_pairs(data::staged(pairs_->next(), device_)));
      batches.back().number = replies + i;
    } else {
      pairs_->skip();
    }
  }
  return batches;
}

void DialogueTask::note_place(TrainState& state) const {
  state.position = stream_.position();
  if (pairs_) state.pairs = pairs_->position();
}

void DialogueTask::seek(const TrainState& state) {
  if (state.pairs.has_value() != pairs_.has_value())
    throw base::CheckpointError(recipe_.run.string() + ": was trained with" +
                                (state.pairs ? "" : "out") + " sentence pairs, now with" +
                                (pairs_ ? "" : "out") + " them; give another `run` folder");
  stream_.seek(state.position);
  if (pairs_) pairs_->seek(*state.pairs);
}

std::string DialogueTask::data_hash() const {
  std::vector<std::string> mixed;
  mixed.reserve(mixed_.size());
  for (const auto& one : mixed_) mixed.push_back(one.hash());
  return hash_of_part(
      hash_of_mix(store_.hash(), recipe_.mix, mixed, pair_store_ ? pair_store_->hash() : ""),
      recipe_);
}

Amounts DialogueTask::learned_from() const {
  Amounts amounts = {{"dialogues", stream_.dialogues()}, {"replies", stream_.replies()}};
  if (pairs_) amounts.emplace_back("pairs", pairs_->pairs());
  if (pairs_of_dropped_) amounts.emplace_back("pairs_of_dropped", *pairs_of_dropped_);
  return amounts;
}

std::optional<Judgement> DialogueTask::judge(Ranks& ranks) {
  const auto sums =
      validate(*model_, *valid_, recipe_.batch, recipe_.train.valid_replies, device_, ranks);
  if (!sums) return {};
  Judgement judgement{.metrics = steering_metrics(*sums),
                      .count = static_cast<std::int64_t>(sums->replies),
                      .unit = "replies"};
  if (recipe_.train.samples == 0 || ranks.rank() > 0) return judgement;  // the first one tells
  try {
    judgement.samples =
        decoded_samples(*model_, store_, *valid_, recipe_.batch, recipe_.train.samples);
  } catch (const base::Stopped&) {
    return {};
  } catch (const base::Error& error) {  // logits that are not finite: a matter of the loss
    judgement.no_samples = error.what();
  }
  return judgement;
}

}  // namespace banter::train
