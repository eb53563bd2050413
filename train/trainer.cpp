#include "train/trainer.h"

#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <torch/torch.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "data/batch.h"
#include "models/checkpoint/checkpoint.h"
#include "models/checkpoint/safetensors.h"
#include "models/device.h"
#include "models/registry.h"
#include "train/arena.h"
#include "train/log.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/steering.h"
#include "train/validation.h"

namespace banter::train {
namespace {

using Clock = std::chrono::steady_clock;
using base::CheckpointError;

constexpr std::uint64_t kRank = 0;  // of this process; part of the key, so that ranks differ

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  base::FileWriter writer(path);
  writer.write(text);
  writer.close();
}

base::Progress::Options progress_options(const TrainOptions& options, std::int64_t done,
                                         bool quiet) {
  return {.label = "train",
          .unit = "steps",
          .total = static_cast<std::uint64_t>(options.steps),
          .quiet = quiet,
          .done = static_cast<std::uint64_t>(done)};
}

std::string rounded(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

struct Trainer::Impl {
  Impl(const RunFolder& run_folder, const Recipe& the_recipe, const data::Store& the_store,
       bool is_quiet)
      : folder(run_folder),
        recipe(the_recipe),
        options(recipe.train),
        store(the_store),
        quiet(is_quiet),
        device(models::open_device(recipe.device)),
        model(built()),
        arena(*model, decay_rules()),
        optimizer(arena, options),
        stream(store.split(options.split), recipe.batch, store.tokenizer().special(),
               options.seed) {
    if (options.ema_decay > 0) average.emplace(arena, options.ema_decay);
    if (!options.valid_split.empty()) valid = &store.split(options.valid_split);
    state.threads = at::get_num_threads();
    state.store = store.hash();
    state.tokenizer = store.tokenizer().hash();
    go_on();
  }

  models::ModelPtr built() const {
    const auto& tokenizer = store.tokenizer();
    auto made = models::build_model(
        recipe.config.root().section("model"),
        {.size = tokenizer.vocab_size(), .special = tokenizer.special()}, options.seed);
    made->to(device);
    made->train();
    return made;
  }

  // ---- going on

  /// Takes the newest checkpoint that verifies; none at all is a fresh run.
  void go_on() {
    const auto steps = models::checkpoint_steps(folder.path());
    std::string problem;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      std::optional<models::Checkpoint> found;
      try {
        found = models::find_checkpoint({folder.path(), "step-" + std::to_string(*step)});
      } catch (const CheckpointError& error) {
        if (problem.empty()) problem = error.what();
        continue;
      }
      load(*found);
      if (!problem.empty())
        warnings.push_back(problem + "; going on from step-" + std::to_string(*step));
      folder.settle(state, options);
      return;
    }
    if (!problem.empty())
      throw CheckpointError(problem +
                            "; no checkpoint of the run can be used, so it cannot go on: begin "
                            "anew with --restart, which moves it aside");
  }

  void load(const models::Checkpoint& checkpoint) {
    const auto& from = checkpoint.folder;
    auto saved =
        TrainState::from_json(base::read_file(from / "state.json"), (from / "state.json").string());
    expect_same("tokenizer", saved.tokenizer, state.tokenizer);
    expect_same("store", saved.store, state.store);
    if (saved.threads != state.threads)
      warnings.push_back("this run used " + std::to_string(saved.threads) + " threads, now " +
                         std::to_string(state.threads) +
                         ": sums may differ in their last digit from an unbroken run");
    saved.threads = state.threads;
    if (saved.step != checkpoint.step)
      throw CheckpointError(from.string() + ": state.json is of step " +
                            std::to_string(saved.step));
    try {
      models::assign(*model, models::read_safetensors(from / "model.safetensors"));
      optimizer.set_moments(models::read_safetensors(from / "optimizer.safetensors"));
      if (average)
        models::assign_tensors(averaged(), models::read_safetensors(from / "ema.safetensors"),
                               "averaged weights do not fit the model");
    } catch (const CheckpointError& error) {
      throw CheckpointError(from.string() + ": " + error.what());
    }
    for (auto& range : arena.ranges) {
      const auto updates = saved.updates.find(range.rule.name);
      if (updates == saved.updates.end())
        throw CheckpointError(from.string() + ": state.json knows no range " + range.rule.name);
      range.updates = updates->second;
    }
    state = std::move(saved);
    stream.seek({state.epoch, state.window, state.batch});
    saved_step = state.step;
    saved_epochs = state.epoch;
  }

  void expect_same(std::string_view what, const std::string& was, const std::string& is) const {
    if (was != is)
      throw CheckpointError(folder.path().string() + ": was trained with " + std::string(what) +
                            " " + was.substr(0, 12) + ", but " + store.folder().string() +
                            " now has " + is.substr(0, 12) +
                            ": prepare the same store again, or "
                            "give another `run` folder");
  }

  /// The averaged weights under the names of a model's file; buffers are the model's own.
  models::NamedTensors averaged() const {
    auto tensors = models::named_tensors(*model);
    for (const auto& [name, part] : arena.named(average->flat())) tensors[name] = part;
    return tensors;
  }

  // ---- saving

  void save() {
    log->sync();
    models::CheckpointWriter writer(folder.path(), state.step);
    const auto& into = writer.folder();
    for (const auto& range : arena.ranges) state.updates[range.rule.name] = range.updates;
    models::write_safetensors(into / "model.safetensors", models::named_tensors(*model));
    models::write_safetensors(into / "optimizer.safetensors", optimizer.moments());
    if (average) models::write_safetensors(into / "ema.safetensors", averaged());
    write_file(into / "config.yaml", recipe.learning);
    write_file(into / "tokenizer.model", store.tokenizer().model());
    write_file(into / "state.json", state.to_json());
    writer.publish();
    folder.settle(state, options);
    saved_step = state.step;
    saved_epochs = state.epoch;
  }

  bool save_due() const {
    if (has_new_best) return true;
    if (state.step == 0 || saved_step == state.step) return false;
    return options.save_every > 0 ? state.step % options.save_every == 0
                                  : state.epoch > saved_epochs;
  }

  // ---- judging

  bool validation_due() const {
    if (valid == nullptr || state.step == 0 || state.validated_step == state.step) return false;
    return options.validate_every > 0 ? state.step % options.validate_every == 0
                                      : state.epoch > state.validated_epochs;
  }

  /// Judges and notes what is best; a signal meanwhile leaves the state as it was.
  void judge(base::Progress& progress) {
    const auto begun = Clock::now();
    const auto sums = validate(*model, *valid, recipe.batch, options.valid_replies, device);
    if (!sums) return;
    saved_step = -1;  // what was saved at this step does not know of this
    state.validated_step = state.step;
    state.validated_epochs = state.epoch;
    ++state.validations_since_best;
    const auto metrics = steering_metrics(*sums);
    base::json::object line{{"event", "validation"}, {"step", state.step}, {"epoch", state.epoch}};
    std::string told = "step " + std::to_string(state.step) + ": valid";
    for (const auto& [name, value] : metrics) {
      if (std::isfinite(value)) line[name] = value;
      told += " " + name + " " + rounded(value, "%.4g");
    }
    for (const auto& name : options.keep_best) {
      const auto best = state.best.find(name);
      const auto value = metrics.at(name);
      if (std::isnan(value) ||
          (best != state.best.end() && !is_better(name, value, best->second.value)))
        continue;
      state.best[name] = {value, state.step};
      has_new_best = true;
      if (name != options.keep_best.front()) continue;
      state.validations_since_best = 0;
      told += " (best)";
    }
    line["replies"] = static_cast<std::int64_t>(sums->replies);
    line["seconds"] = seconds_since(begun);
    log->write(line);
    if (!quiet) progress.say(told);
  }

  // ---- learning

  /// One update from `micro_batches` batches. False when a signal came before it was done; then
  /// nothing has changed.
  bool step() {
    const auto number = state.step + 1;
    std::vector<data::Batch> batches;
    std::map<std::string, std::int64_t> counts;
    for (std::int64_t i = 0; i < options.micro_batches; ++i) {
      batches.push_back(stream.next());
      for (const auto& [name, count] : model->loss_counts(batches.back())) counts[name] += count;
    }

    arena.grads.zero_();
    std::map<std::string, double> sums;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      if (base::stop_signal() != 0) {
        stream.seek({state.epoch, state.window, state.batch});
        return false;
      }
      torch::manual_seed(key_of(number, i));
      for (const auto& [name, sum] : learn_from(batches[i], counts)) sums[name] += sum;
    }
    update(number, counts, sums);

    state.step = number;
    const auto position = stream.position();
    state.epoch = position.epoch;
    state.window = position.window;
    state.batch = position.batch;
    for (const auto& batch : batches) state.labels += batch.label_count;
    return true;
  }

  std::uint64_t key_of(std::int64_t number, std::size_t micro_step) const {
    const auto key = base::join_keys(options.seed, static_cast<std::uint64_t>(number));
    return base::join_keys(base::join_keys(key, micro_step), kRank);
  }

  /// Adds one batch's gradient; returns the sums of its losses.
  std::map<std::string, double> learn_from(const data::Batch& batch,
                                           const std::map<std::string, std::int64_t>& counts) {
    std::map<std::string, double> sums;
    torch::Tensor total;
    for (const auto& loss : model->losses(batch.to(device))) {
      sums[loss.name] += loss.sum.item<double>();
      if (counts.at(loss.name) == 0) continue;
      const auto scaled = loss.sum / static_cast<double>(counts.at(loss.name));
      total = total.defined() ? total + scaled : scaled;
    }
    if (total.defined()) total.backward();
    return sums;
  }

  void update(std::int64_t number, const std::map<std::string, std::int64_t>& counts,
              const std::map<std::string, double>& sums) {
    arena.hold_back(number);
    norm = arena.grad_norm();
    if (!std::isfinite(norm)) {
      ++state.skipped_steps;
      if (++state.bad_in_a_row >= options.max_bad_steps)
        throw base::Error(
            "step " + std::to_string(number) + ": the gradient was not finite for " +
            std::to_string(state.bad_in_a_row) +
            " steps in a row; lower train.lr or train.clip_norm (the checkpoints of " +
            folder.path().string() + " are as they were)");
      return;
    }
    state.bad_in_a_row = 0;
    if (options.clip_norm > 0 && norm > options.clip_norm)
      arena.grads.mul_(options.clip_norm / norm);
    optimizer.update(number, learning_rate(options, number));
    if (average) average->update(arena, number);
    for (const auto& [name, sum] : sums) {
      state.since_log[name].sum += sum;
      state.since_log[name].count += counts.at(name);
    }
  }

  // ---- telling

  void log_start() {
    log->write({{"event", "start"},
                {"step", state.step},
                {"version", BANTER_VERSION},
                {"device", c10::str(device)},
                {"threads", state.threads},
                {"parameters", arena.values.numel()}});
    for (const auto& warning : warnings)
      log->write({{"event", "warning"}, {"step", state.step}, {"text", warning}});
  }

  /// A line every `log_every` steps: means since the last line.
  void log_step() {
    const auto seconds = seconds_since(start);
    rate = static_cast<double>(state.labels - labels_at_start) / std::max(seconds, 1e-9);
    for (const auto& [name, loss] : state.since_log)
      if (loss.count > 0) mean_loss[name] = loss.sum / static_cast<double>(loss.count);
    if (state.step % options.log_every != 0) return;
    base::json::object line{
        {"event", "step"}, {"step", state.step}, {"epoch", state.epoch}, {"labels", state.labels}};
    for (const auto& [name, loss] : state.since_log)
      if (loss.count > 0) line[name] = loss.sum / static_cast<double>(loss.count);
    line["lr"] = learning_rate(options, state.step);
    if (std::isfinite(norm)) line["grad_norm"] = norm;
    line["skipped_steps"] = state.skipped_steps;
    line["seconds"] = seconds;
    line["labels_per_second"] = rate;
    log->write(line);
    state.since_log.clear();
  }

  /// Share of the way to the nearest limit, 0 when there is none but patience.
  double share_done() const {
    double share = 0;
    if (options.steps > 0)
      share = static_cast<double>(state.step) / static_cast<double>(options.steps);
    if (options.epochs > 0) {
      const auto part = static_cast<double>(state.window) / static_cast<double>(stream.windows());
      share = std::max(
          share, (static_cast<double>(state.epoch) + part) / static_cast<double>(options.epochs));
    }
    if (options.minutes > 0) share = std::max(share, seconds_since(start) / (60 * options.minutes));
    return share;
  }

  std::string note() const {
    std::string text = "epoch " + std::to_string(state.epoch);
    for (const auto& [name, value] : mean_loss) text += " " + name + " " + rounded(value, "%.4f");
    text += " " + rounded(rate, "%.0f") + " labels/s";
    const auto gained = share_done() - share_at_start;
    if (options.steps == 0 && gained > 0) {  // the bar knows the time left of steps alone
      const auto left = seconds_since(start) * (1 - share_done()) / gained;
      text +=
          " " + base::duration_text(std::chrono::duration<double>(std::max(left, 0.0))) + " left";
    }
    return text;
  }

  // ---- the loop

  std::string reason_to_stop() const {
    if (base::stop_signal() != 0) return "signal";
    if (options.steps > 0 && state.step >= options.steps) return "steps";
    if (options.epochs > 0 && state.epoch >= static_cast<std::uint64_t>(options.epochs))
      return "epochs";
    if (options.patience > 0 && state.validations_since_best >= options.patience) return "patience";
    if (options.minutes > 0 && seconds_since(start) >= 60 * options.minutes) return "minutes";
    return {};
  }

  TrainResult run(const std::function<void(const TrainState&)>& after_step) {
    start = Clock::now();
    labels_at_start = state.labels;
    log.emplace(folder.path() / "log.jsonl", state.step);
    log_start();
    base::Progress progress(progress_options(options, state.step, quiet));
    for (const auto& warning : warnings) progress.say("warning: " + warning);
    share_at_start = share_done();

    TrainResult result;
    while (true) {
      if (validation_due()) judge(progress);
      if (save_due()) save();
      has_new_best = false;
      result.why = reason_to_stop();
      if (!result.why.empty()) break;
      if (!step()) continue;
      result.went_on = true;
      log_step();
      progress.update(static_cast<std::uint64_t>(state.step), note());
      if (after_step) after_step(state);
    }
    const bool judged = state.validated_step == state.step;
    if (result.why != "signal" && valid != nullptr && state.step > 0 && !judged) judge(progress);
    if (state.step > 0 && saved_step != state.step) save();
    progress.finish();
    log->write({{"event", "stop"}, {"step", state.step}, {"why", result.why}});
    result.state = state;
    result.signal = base::stop_signal();
    return result;
  }

  const RunFolder& folder;
  Recipe recipe;
  const TrainOptions& options;
  const data::Store& store;
  bool quiet;
  torch::Device device;
  models::ModelPtr model;
  Arena arena;
  AdamW optimizer;
  data::BatchStream stream;
  const data::Split* valid = nullptr;
  std::optional<AveragedWeights> average;
  TrainState state;
  std::optional<RunLog> log;
  std::vector<std::string> warnings;

  std::int64_t saved_step = -1;    ///< of the newest checkpoint
  std::uint64_t saved_epochs = 0;  ///< that were over at it
  bool has_new_best = false;       ///< since the last save
  double norm = 0;                 ///< of the last gradient
  std::map<std::string, double> mean_loss;

  Clock::time_point start;
  std::int64_t labels_at_start = 0;
  double share_at_start = 0, rate = 0;
};

Trainer::Trainer(const RunFolder& folder, const Recipe& recipe, const data::Store& store,
                 bool quiet)
    : impl_(std::make_unique<Impl>(folder, recipe, store, quiet)) {}
Trainer::~Trainer() = default;

TrainResult Trainer::run() { return impl_->run(after_step); }
const TrainState& Trainer::state() const { return impl_->state; }

}  // namespace banter::train
