#include "train/learner.h"

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/random.h"
#include "base/signals.h"
#include "models/registry.h"
#include "train/mix_hash.h"
#include "train/schedule.h"

namespace banter::train {
namespace {

using base::CheckpointError;

constexpr std::uint64_t kRank = 0;  // of this process; part of the key, so that ranks differ

models::ModelPtr build(const Recipe& recipe, const data::Tokenizer& tokenizer,
                       torch::Device device) {
  auto model = models::build_model(recipe.config.root().section("model"),
                                   {.size = tokenizer.vocab_size(), .special = tokenizer.special()},
                                   recipe.train.seed);
  model->to(device);
  model->train();
  return model;
}

std::uint64_t key_of(std::uint64_t seed, std::int64_t step, std::size_t micro_step) {
  const auto key = base::join_keys(seed, static_cast<std::uint64_t>(step));
  return base::join_keys(base::join_keys(key, micro_step), kRank);
}

/// Opens the stores that are mixed in.
std::vector<data::Store> open_mixed(const Recipe& recipe, const data::Store& store) {
  std::vector<data::Store> stores;
  for (const auto& mixed : recipe.mix) {
    stores.push_back(data::Store::open(mixed.store));
    stores.back().verify();
    if (stores.back().tokenizer().hash() != store.tokenizer().hash())
      throw base::ConfigError("mix: " + mixed.store.string() + " has another tokenizer than " +
                              store.folder().string() + ": prepare it with data.tokenizer.path: " +
                              (store.folder() / "tokenizer.model").string());
  }
  return stores;
}

std::vector<data::BatchMix::Source> sources_of(const Recipe& recipe, const data::Store& store,
                                               const std::vector<data::Store>& mixed) {
  std::vector<data::BatchMix::Source> sources = {{&store.split(recipe.train.split), 1}};
  for (std::size_t i = 0; i < mixed.size(); ++i)
    sources.push_back({&mixed[i].split(recipe.train.split), recipe.mix[i].weight});
  return sources;
}

/// What a run learns from.
std::string hash_of(const Recipe& recipe, const data::Store& store,
                    const std::vector<data::Store>& mixed) {
  std::vector<std::string> hashes;
  hashes.reserve(mixed.size());
  for (const auto& one : mixed) hashes.push_back(one.hash());
  return hash_of_mix(store.hash(), recipe.mix, hashes);
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  base::FileWriter writer(path);
  writer.write(text);
  writer.close();
}

}  // namespace

Learner::Learner(const Recipe& recipe, const data::Store& store, torch::Device device)
    : recipe_(recipe),
      options_(recipe.train),
      store_(store),
      device_(device),
      model_(build(recipe, store.tokenizer(), device)),
      arena_(*model_, decay_rules()),
      optimizer_(arena_, options_),
      mixed_(open_mixed(recipe, store)),
      stream_(sources_of(recipe, store, mixed_), recipe.batch, store.tokenizer().special(),
              options_.seed) {
  if (options_.ema_decay > 0) average_.emplace(arena_, options_.ema_decay);
  state.threads = at::get_num_threads();
  state.store = hash_of(recipe, store, mixed_);
  state.position = stream_.position();
  state.tokenizer = store.tokenizer().hash();
}

std::int64_t Learner::parameters() const {
  std::int64_t count = 0;
  for (const auto& parameter : model_->parameters()) count += parameter.numel();
  return count;
}

double Learner::epochs() const {
  const auto& at = state.position.splits.front();
  return static_cast<double>(at.epoch) +
         static_cast<double>(at.window) / static_cast<double>(stream_.windows());
}

bool Learner::step() {
  const auto number = state.step + 1;
  std::vector<data::Batch> batches;
  Counts counts;
  for (std::int64_t i = 0; i < options_.micro_batches; ++i) {
    batches.push_back(stream_.next());
    for (const auto& [name, count] : model_->loss_counts(batches.back())) counts[name] += count;
  }

  arena_.grads.zero_();
  Sums sums;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (base::stop_signal() != 0) {
      stream_.seek(state.position);
      return false;
    }
    torch::manual_seed(key_of(options_.seed, number, i));
    for (const auto& [name, sum] : learn_from(batches[i], counts)) sums[name] += sum;
  }
  update(number, counts, sums);

  state.step = number;
  state.position = stream_.position();
  for (const auto& batch : batches) state.labels += batch.label_count;
  return true;
}

/// Adds one batch's gradient; returns the sums of its losses.
Learner::Sums Learner::learn_from(const data::Batch& batch, const Counts& counts) {
  Sums sums;
  torch::Tensor total;
  for (const auto& loss : model_->losses(batch.to(device_))) {
    sums[loss.name] += loss.sum.item<double>();
    if (counts.at(loss.name) == 0) continue;
    const double weight = model_->loss_weight(loss.name, state.step);
    if (weight == 0) continue;
    const auto scaled = loss.sum * (weight / static_cast<double>(counts.at(loss.name)));
    total = total.defined() ? total + scaled : scaled;
  }
  if (total.defined()) total.backward();
  return sums;
}

void Learner::update(std::int64_t number, const Counts& counts, const Sums& sums) {
  arena_.hold_back(number);
  grad_norm_ = arena_.grad_norm();
  if (!std::isfinite(grad_norm_)) {
    ++state.skipped_steps;
    if (++state.bad_in_a_row >= options_.max_bad_steps)
      throw base::Error("step " + std::to_string(number) + ": the gradient was not finite for " +
                        std::to_string(state.bad_in_a_row) + " steps in a row; lower train.lr or " +
                        (options_.clip_norm > 0 ? "lower" : "set") +
                        " train.clip_norm, and begin anew with --restart or in another `run` "
                        "folder (the checkpoints of " +
                        recipe_.run.string() + " are as they were)");
    return;
  }
  state.bad_in_a_row = 0;
  if (options_.clip_norm > 0 && grad_norm_ > options_.clip_norm)
    arena_.grads.mul_(options_.clip_norm / grad_norm_);
  optimizer_.update(number, learning_rate(options_, number));
  if (average_) average_->update(arena_, number);
  for (const auto& [name, sum] : sums) {
    state.since_log[name].sum += sum;
    state.since_log[name].count += counts.at(name);
  }
}

/// The averaged weights under the names of a model's file; buffers are the model's own.
models::NamedTensors Learner::averaged() const {
  auto tensors = models::named_tensors(*model_);
  for (const auto& [name, part] : arena_.named(average_->flat())) tensors[name] = part;
  return tensors;
}

Initialised Learner::start_from(const std::string& run_name) {
  auto from = init_from(*model_, store_.tokenizer(), run_name);
  if (average_) average_.emplace(arena_, options_.ema_decay);
  return from;
}

void Learner::save_into(const std::filesystem::path& folder) {
  for (const auto& range : arena_.ranges) state.updates[range.rule.name] = range.updates;
  models::write_safetensors(folder / "model.safetensors", models::named_tensors(*model_));
  models::write_safetensors(folder / "optimizer.safetensors", optimizer_.moments());
  if (average_) models::write_safetensors(folder / "ema.safetensors", averaged());
  write_file(folder / "config.yaml", recipe_.learning);
  write_file(folder / "tokenizer.model", store_.tokenizer().model());
  write_file(folder / "state.json", state.to_json());
}

void Learner::load(const std::filesystem::path& folder) {
  const auto file = folder / "state.json";
  auto saved = TrainState::from_json(base::read_file(file), file.string());
  expect_same("tokenizer", saved.tokenizer, state.tokenizer);
  expect_same("store", saved.store, state.store);
  try {
    models::assign(*model_, models::read_safetensors(folder / "model.safetensors"));
    optimizer_.set_moments(models::read_safetensors(folder / "optimizer.safetensors"));
    if (average_)
      models::assign_tensors(averaged(), models::read_safetensors(folder / "ema.safetensors"),
                             "averaged weights do not fit the model");
  } catch (const CheckpointError& error) {
    throw CheckpointError(folder.string() + ": " + error.what());
  }
  for (auto& range : arena_.ranges) {
    const auto updates = saved.updates.find(range.rule.name);
    if (updates == saved.updates.end())
      throw CheckpointError(file.string() + ": knows no range " + range.rule.name);
    range.updates = updates->second;
  }
  state = std::move(saved);
  stream_.seek(state.position);
}

void Learner::expect_same(std::string_view what, const std::string& was,
                          const std::string& is) const {
  if (was != is)
    throw CheckpointError(recipe_.run.string() + ": was trained with " + std::string(what) + " " +
                          was.substr(0, 12) + ", but " + store_.folder().string() + " now has " +
                          is.substr(0, 12) +
                          ": prepare the same store again, or give another `run` folder");
}

}  // namespace banter::train
