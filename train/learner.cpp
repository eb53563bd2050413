#include "train/learner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/random.h"
#include "base/signals.h"
#include "data/cleaning/text_cleaning.h"
#include "models/checkpoint/checkpoint.h"
#include "models/precision.h"
#include "train/fall_back.h"
#include "train/range_rules.h"
#include "train/ranks/agreement.h"
#include "train/schedule.h"

namespace banter::train {
namespace {

using base::CheckpointError;

/// Of a micro-batch's draws, whichever process makes it.
std::uint64_t key_of(std::uint64_t seed, std::int64_t step, std::int64_t micro_batch) {
  const auto key = base::join_keys(seed, static_cast<std::uint64_t>(step));
  constexpr std::uint64_t kLast = 0;  // keeps the draws of runs that were begun before
  return base::join_keys(base::join_keys(key, static_cast<std::uint64_t>(micro_batch)), kLast);
}

/// What process 0 has of a tensor goes everywhere.
void broadcast(Ranks& ranks, const torch::Tensor& tensor) {
  auto host = tensor.detach().to(torch::kCPU).contiguous();
  ranks.broadcast({static_cast<std::byte*>(host.data_ptr()), host.nbytes()});
  const torch::NoGradGuard no_grad;
  if (host.data_ptr() != tensor.data_ptr()) tensor.copy_(host);
}

std::uint64_t hash_of(const torch::Tensor& tensor) {
  const auto host = tensor.detach().to(torch::kCPU).contiguous();
  const std::string_view bytes(static_cast<const char*>(host.data_ptr()), host.nbytes());
  return base::key_of(bytes);
}

/// Sees that a device can compute as the recipe says, and sets it to.
/// Throws   ConfigError
torch::Device prepared(torch::Device device, const TrainOptions& options) {
  if (options.precision == "bf16")
    if (const auto problem = models::bf16_problem(device); !problem.empty())
      throw base::ConfigError("train.precision: bf16: " + problem + "; use float32");
  if (options.tf32 && !device.is_cuda())
    throw base::ConfigError("train.tf32: true: only GPUs have TF32, and this run is on the " +
                            c10::str(device) + "; set it to false");
  if (device.is_cuda()) models::allow_tf32(options.tf32);
  return device;
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  base::FileWriter writer(path);
  writer.write(text);
  writer.close();
}

}  // namespace

Learner::Learner(const Recipe& recipe, const data::Store& store, torch::Device device, Ranks& ranks)
    : recipe_(recipe),
      options_(recipe.train),
      store_(store),
      config_(recipe.learning + data::text_cleaning_yaml(data::text_cleaning_of(store))),
      device_(prepared(device, options_)),
      ranks_(ranks),
      task_(make_task(recipe, store, device_)),
      arena_(task_->model(),
             range_rules(task_->model(), options_,
                         [this](const std::string& name) { return task_->active_from(name); })),
      optimizer_(arena_, options_) {
  if (options_.ema_decay > 0) average_.emplace(arena_, options_.ema_decay);
  state.threads = at::get_num_threads();
  state.store = task_->data_hash();
  task_->note_place(state);
  state.tokenizer = store.tokenizer().hash();
  if (options_.schedule == "plateau") state.plateau.emplace();
  if (options_.max_fall_backs > 0) state.fall_back.emplace();
  auto opened = open_gradient_sum(ranks_, device_);
  gradient_sum_ = std::move(opened.sum);
  if (!opened.warning.empty()) warnings_.push_back(opened.warning);
}

std::int64_t Learner::parameters() const {
  std::int64_t count = 0;
  for (const auto& parameter : task_->model().parameters()) count += parameter.numel();
  return count;
}

double Learner::epochs() const {
  const auto& at = state.position.splits.front();
  return static_cast<double>(at.epoch) +
         static_cast<double>(at.window) / static_cast<double>(task_->windows());
}

bool Learner::step() {
  const auto number = state.step + 1;
  const auto batches = task_->next({.rank = ranks_.rank(), .of = ranks_.size()});
  Counts counts;
  std::int64_t labels = 0;
  for (const auto& batch : batches) {
    labels += batch.labels;
    for (const auto& [name, count] : batch.counts) counts[name] += count;
  }
  const auto gives_up = [&] {
    task_->seek(state);
    return false;
  };
  if (!sum_counts(counts, labels)) return gives_up();
  share_rate();

  arena_.grads.zero_();
  Sums sums;
  for (const auto& batch : batches) {
    if (ranks_.size() == 1 && is_told_to_stop()) return gives_up();
    torch::manual_seed(key_of(options_.seed, number, batch.number));
    for (const auto& [name, sum] : learn_from(batch, counts)) sums[name] += sum;
  }
  sum_gradient(sums, counts);
  update(number, counts, sums);

  state.step = number;
  task_->note_place(state);
  state.labels += labels;
  return true;
}

std::optional<Judgement> Learner::judge() {
  auto judgement = task_->judge(ranks_);
  if (!judgement) is_told_to_stop_ = true;
  return judgement;
}

bool Learner::is_told_to_stop() const { return is_told_to_stop_ || base::stop_signal() != 0; }

/// Those of all processes. False when one of them was told to stop, which all hear here.
bool Learner::sum_counts(Counts& counts, std::int64_t& labels) {
  if (ranks_.size() == 1) return true;
  std::vector<std::int64_t> all = {base::stop_signal() != 0 ? 1 : 0, labels};
  for (const auto& [name, count] : counts) all.push_back(count);
  ranks_.sum(all);
  labels = all[1];
  std::size_t at = 2;
  for (auto& [name, count] : counts) count = all[at++];
  is_told_to_stop_ = all[0] > 0;
  return !is_told_to_stop_;
}

/// What validations, which process 0 makes, have made of the rate.
void Learner::share_rate() {
  if (ranks_.size() == 1 || !state.plateau) return;
  std::array factor = {state.plateau->factor};
  ranks_.broadcast(std::as_writable_bytes(std::span(factor)));
  state.plateau->factor = factor[0];
}

/// Adds up gradients and, for the log, those losses that counted at any process.
void Learner::sum_gradient(Sums& sums, const Counts& counts) {
  if (ranks_.size() == 1) return;
  gradient_sum_->sum(arena_.grads);
  std::vector<double> values;
  for (const auto& [name, count] : counts) {
    const auto sum = sums.find(name);
    values.push_back(sum == sums.end() ? 0.0 : sum->second);
    values.push_back(sum == sums.end() ? 0.0 : 1.0);
  }
  ranks_.sum(values);
  std::size_t at = 0;
  for (const auto& [name, count] : counts) {
    if (values[at + 1] > 0) sums[name] = values[at];
    at += 2;
  }
}

/// All that a step depends on beside the state.
std::vector<torch::Tensor> Learner::tensors() {
  std::vector<torch::Tensor> all;
  for (const auto& [name, tensor] : models::named_tensors(task_->model())) all.push_back(tensor);
  for (const auto& [name, tensor] : optimizer_.moments()) all.push_back(tensor);
  if (average_) all.push_back(average_->flat());
  return all;
}

void Learner::share_state() {
  if (ranks_.size() == 1) return;
  for (const auto& range : arena_.ranges) state.updates[range.rule.name] = range.updates;
  const auto text = told_by_first(ranks_, state.to_json());
  for (const auto& tensor : tensors()) broadcast(ranks_, tensor);
  if (ranks_.rank() != 0) take(TrainState::from_json(text, "process 0's state"));
}

void Learner::expect_one_state() {
  if (ranks_.size() == 1) return;
  const auto own = hash_of(arena_.values);
  std::array first = {own};
  ranks_.broadcast(std::as_writable_bytes(std::span(first)));
  std::array<std::int64_t, 1> different = {own == first[0] ? 0 : 1};
  ranks_.sum(different);
  if (different[0] > 0)
    throw base::Error("step " + std::to_string(state.step) + ": the weights of " +
                      std::to_string(different[0]) + " of " + std::to_string(ranks_.size()) +
                      " processes are not those of process 0: nothing is saved; a machine or a "
                      "library among them computes differently");
}

std::vector<models::LossSum> Learner::forward(const MicroBatch& batch) {
  std::optional<models::Bf16Products> narrow;
  if (options_.precision == "bf16") narrow.emplace(device_);
  return batch.losses(state.step);
}

/// Adds one batch's gradient; returns the sums of its losses. A batch of which nothing counts yet
/// costs nothing, and a loss that does not count yet no more than it must.
Learner::Sums Learner::learn_from(const MicroBatch& batch, const Counts& counts) {
  Sums sums;
  const auto weight_of = [&](const std::string& loss) {
    return counts.at(loss) == 0 ? 0.0 : task_->loss_weight(loss, state.step);
  };
  if (std::ranges::none_of(batch.counts,
                           [&](const auto& loss) { return weight_of(loss.first) != 0; }))
    return sums;
  torch::Tensor total;
  for (const auto& loss : forward(batch)) {
    sums[loss.name] += loss.sum.item<double>();
    const double weight = weight_of(loss.name);
    if (weight == 0) continue;
    const auto scaled = loss.sum * (weight / static_cast<double>(counts.at(loss.name)));
    total = total.defined() ? total + scaled : scaled;
  }
  if (total.defined() && total.requires_grad()) total.backward();  // not where all is frozen
  return sums;
}

void Learner::update(std::int64_t number, const Counts& counts, const Sums& sums) {
  arena_.hold_back(number);
  grad_norm_ = arena_.grad_norm();
  if (!std::isfinite(grad_norm_)) {
    ++state.skipped_steps;
    if (++state.bad_in_a_row >= options_.max_bad_steps)
      diverged(number, "the gradient was not finite");
    return;
  }
  state.bad_in_a_row = 0;
  const bool is_long = options_.clip_norm > 0 && grad_norm_ > options_.clip_norm;
  optimizer_.update(number, learning_rate(options_, number, state),
                    is_long ? grad_norm_ / options_.clip_norm : 1);
  if (average_) average_->update(arena_, number);
  if (options_.fall_back_loss > 0 && ranks_.rank() == 0) watch_loss(number, counts, sums);
  for (const auto& [name, sum] : sums) {
    state.since_log[name].sum += sum;
    state.since_log[name].count += counts.at(name);
  }
}

/// Whether the loss that was learned from is far above what it was. Process 0 alone goes by it.
void Learner::watch_loss(std::int64_t number, const Counts& counts, const Sums& sums) {
  double loss = 0;
  for (const auto& [name, sum] : sums)
    if (const auto count = counts.at(name); count > 0)
      loss += task_->loss_weight(name, state.step) * sum / static_cast<double>(count);
  const auto seen = after_loss(options_, state.fall_back.value_or(FallBack{}), loss);
  state.fall_back = seen;
  if (seen.high_in_a_row >= options_.max_bad_steps)
    diverged(number, "the loss was above train.fall_back_loss times its average");
}

void Learner::diverged(std::int64_t number, const std::string& why) {
  divergence_ = why + " for " + std::to_string(options_.max_bad_steps) + " steps in a row";
  if (ranks_.rank() == 0 &&
      !may_fall_back(options_, state))  // it knows of checkpoints, and ends all
    throw base::Error("step " + std::to_string(number) + ": " + divergence_ +
                      advice(options_, state, recipe_.run.string()));
}

void Learner::fall_back(const std::filesystem::path& run) {
  const auto before = state.fall_back.value_or(FallBack{});
  const auto threads = state.threads;
  const auto checkpoint = run / ("step-" + std::to_string(before.target()));
  models::verify_checkpoint(checkpoint);
  load(checkpoint);
  state.threads = threads;
  const auto then = state.fall_back.value_or(FallBack{});
  state.fall_back = gone_back(options_, before, then, state.step);
  state.bad_in_a_row = 0;
}

/// The averaged weights under the names of a model's file; buffers are the model's own.
models::NamedTensors Learner::averaged() const {
  auto tensors = models::named_tensors(task_->model());
  if (!average_) return tensors;
  for (const auto& [name, part] : arena_.named(average_->flat())) tensors[name] = part;
  return tensors;
}

Initialised Learner::start_from(const std::string& run_name) {
  auto from = init_from(task_->model(), store_.tokenizer(), run_name);
  if (average_) average_.emplace(arena_, options_.ema_decay);
  return from;
}

models::EncoderStart Learner::start_from_encoder(const std::string& place) {
  auto start =
      models::start_from_encoder(task_->model(), store_.tokenizer(), place, "train.init_encoder");
  if (average_) average_.emplace(arena_, options_.ema_decay);
  return start;
}

void Learner::save_into(const std::filesystem::path& folder) {
  for (const auto& range : arena_.ranges) state.updates[range.rule.name] = range.updates;
  models::write_safetensors(folder / "model.safetensors", models::named_tensors(task_->model()));
  models::write_safetensors(folder / "optimizer.safetensors", optimizer_.moments());
  if (average_) models::write_safetensors(folder / "ema.safetensors", averaged());
  write_file(folder / "config.yaml", config_);
  write_file(folder / "tokenizer.model", store_.tokenizer().model());
  write_file(folder / "state.json", state.to_json());
}

void Learner::load(const std::filesystem::path& folder) {
  const auto file = folder / "state.json";
  auto saved = TrainState::from_json(base::read_file(file), file.string());
  expect_same("tokenizer", saved.tokenizer, state.tokenizer);
  expect_same("store", saved.store, state.store);
  try {
    models::assign(task_->model(), models::read_safetensors(folder / "model.safetensors"));
    optimizer_.set_moments(models::read_safetensors(folder / "optimizer.safetensors"));
    if (average_)
      models::assign_tensors(averaged(), models::read_safetensors(folder / "ema.safetensors"),
                             "averaged weights do not fit the model");
    take(std::move(saved));
  } catch (const CheckpointError& error) {
    throw CheckpointError(folder.string() + ": " + error.what());
  }
}

/// Goes to the place of a state whose tensors are there. Throws   CheckpointError
void Learner::take(TrainState saved) {
  expect_same("tokenizer", saved.tokenizer, state.tokenizer);
  expect_same("store", saved.store, state.store);
  for (auto& range : arena_.ranges) {
    const auto updates = saved.updates.find(range.rule.name);
    if (updates == saved.updates.end())
      throw CheckpointError("the state knows no range " + range.rule.name);
    range.updates = updates->second;
  }
  task_->seek(saved);
  state = std::move(saved);
  if (options_.max_fall_backs > 0 && !state.fall_back)  // it may only since now
    state.fall_back = FallBack{.good = state.step, .last = state.step};
  divergence_.clear();
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
