#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/allocator.h"
#include "base/errors.h"
#include "base/signals.h"
#include "models/checkpoint/checkpoint.h"
#include "models/device.h"
#include "train/fall_back.h"
#include "train/learner.h"
#include "train/ranks/follower.h"
#include "train/report.h"
#include "train/schedule.h"
#include "train/steering.h"

namespace banter::train {

struct Trainer::Impl {
  Impl(const RunFolder& run_folder, const Recipe& the_recipe, const data::Store& store,
       bool is_quiet, Ranks& the_ranks)
      : folder(run_folder),
        recipe(the_recipe),
        options(recipe.train),
        quiet(is_quiet),
        ranks(the_ranks),
        learner(recipe, store, models::open_device(recipe.device), ranks) {
    go_on();
    learner.share_state();
    base::give_back_free_memory();  // of what was read to begin
  }

  /// Takes the newest checkpoint that verifies; none at all is a fresh run, which may start from
  /// another one's parameters. Damaged ones that are
  /// newer are set aside, so that they are not counted among those to keep.
  void go_on() {
    const auto steps = models::checkpoint_steps(folder.path());
    const auto threads = state.threads;
    std::string problem;
    std::vector<std::int64_t> damaged;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const auto path = folder.path() / ("step-" + std::to_string(*step));
      try {
        models::verify_checkpoint(path);
      } catch (const base::CheckpointError& error) {
        if (problem.empty()) problem = error.what();
        damaged.push_back(*step);
        continue;
      }
      learner.load(path);
      if (!problem.empty())
        warnings.push_back(problem + "; going on from " + path.filename().string());
      if (state.threads != threads)
        warnings.push_back("this run used " + std::to_string(state.threads) + " threads, now " +
                           std::to_string(threads) +
                           ": sums may differ in their last digit from an unbroken run");
      state.threads = threads;
      for (const auto number : damaged) models::set_checkpoint_aside(folder.path(), number);
      folder.settle(state, options);
      saved_step = state.step;
      saved_epochs = state.epoch();
      return;
    }
    if (!problem.empty())
      throw base::CheckpointError(problem +
                                  "; no checkpoint of the run can be used, so it cannot go on: "
                                  "begin anew with --restart, which moves it aside");
    if (!options.init_from.empty()) initialised = learner.start_from(options.init_from);
    if (!options.init_encoder.empty())
      started_by_encoder = learner.start_from_encoder(options.init_encoder);
  }

  void save(Report& report, bool was_due) {
    if (was_due && state.fall_back && !state.is_suspect())
      state.fall_back = after_save(*state.fall_back, state.step);
    give(ranks, Order::kCompare);
    learner.expect_one_state();
    report.sync();
    models::CheckpointWriter writer(folder.path(), state.step);
    learner.save_into(writer.folder());
    writer.publish();
    folder.settle(state, options);
    saved_step = state.step;
    saved_epochs = state.epoch();
    must_save = is_outdated = false;
  }

  /// Goes on from the last good checkpoint with a lower rate. What it knows of that is saved with
  /// the next one: a run that is killed before diverges at the same step once more.
  void fall_back(Report& report) {
    const auto why = learner.divergence();
    const auto from = state;
    learner.fall_back(folder.path());
    give(ranks, Order::kTake);
    learner.share_state();
    folder.go_back(state, options);
    saved_step = state.step;
    saved_epochs = state.epoch();
    must_save = is_outdated = false;
    report.fell_back(from, state, why);
  }

  [[nodiscard]] bool save_due() const {
    if (must_save) return true;
    if (state.step == 0 || saved_step == state.step || state.is_suspect()) return false;
    return options.save_every > 0 ? state.step % options.save_every == 0
                                  : state.epoch() > saved_epochs;
  }

  [[nodiscard]] bool validation_due() const {
    if (!learner.is_judged() || state.step == 0 || state.validated_step == state.step) return false;
    return options.validate_every > 0 ? state.step % options.validate_every == 0
                                      : state.epoch() > state.validated_epochs;
  }

  /// Judges and notes what is best; a signal meanwhile leaves the state as it was. A validation
  /// that was not due (at a stop, perhaps by the clock) does not count against `patience`.
  void judge(Report& report, bool was_due) {
    const auto begun = std::chrono::steady_clock::now();
    give(ranks, Order::kJudge);
    const auto judgement = learner.judge();
    if (!judgement) return;
    // A signal in an earlier try may have saved this step: that checkpoint does not know of this.
    is_outdated = saved_step == state.step;
    saved_step = -1;
    state.validated_step = state.step;
    state.validated_epochs = state.epoch();
    const auto& metrics = judgement->metrics;
    if (was_due && state.plateau)
      state.plateau =
          after_validation(options, *state.plateau, metrics.at(options.keep_best.front()));
    bool is_best = false;  // by the metric that steers
    for (std::size_t place = 0; place < options.keep_best.size(); ++place) {
      const auto& name = options.keep_best[place];
      auto& since_best = state.since_best(place, name);
      if (was_due) ++since_best;
      const auto best = state.best.find(name);
      const auto value = metrics.at(name);
      if (std::isnan(value) ||
          (best != state.best.end() && !is_better(name, value, best->second.value)))
        continue;
      state.best[name] = {value, state.step};
      must_save = true;
      since_best = 0;
      is_best = is_best || place == 0;
    }
    if (must_save && state.fall_back && !state.is_suspect())
      state.fall_back->good = state.step;  // the best is good
    report.validated(state, *judgement, is_best, std::chrono::steady_clock::now() - begun);
  }

  /// Share of the way to the nearest limit, 0 when there is none but patience.
  [[nodiscard]] double share_done(double minutes) const {
    double share = 0;
    if (options.steps > 0)
      share = static_cast<double>(state.step) / static_cast<double>(options.steps);
    if (options.epochs > 0)
      share = std::max(share, learner.epochs() / static_cast<double>(options.epochs));
    if (options.minutes > 0) share = std::max(share, minutes / options.minutes);
    return share;
  }

  [[nodiscard]] bool is_out_of_patience() const {
    if (options.patience == 0) return false;
    std::size_t out = 0;
    for (std::size_t place = 0; place < options.keep_best.size(); ++place) {
      const bool is_out = state.since_best(place, options.keep_best[place]) >= options.patience;
      if (options.stop_when == "first") return is_out;
      out += is_out ? 1 : 0;
    }
    return options.stop_when == "any" ? out > 0 : out == options.keep_best.size();
  }

  [[nodiscard]] std::string reason_to_stop(const Report& report) const {
    if (learner.is_told_to_stop()) return "signal";
    if (options.steps > 0 && state.step >= options.steps) return "steps";
    if (options.epochs > 0 && state.epoch() >= static_cast<std::uint64_t>(options.epochs))
      return "epochs";
    if (is_out_of_patience()) return "patience";
    if (options.minutes > 0 && report.minutes() >= options.minutes) return "minutes";
    return {};
  }

  TrainResult run(const std::function<void(const TrainState&)>& after_step,
                  const std::optional<BatchSize>& batch_size) {
    Report report(folder, options, state, share_done(0), quiet);
    report.started(state, c10::str(learner.device()), ranks.size(), learner.parameters(),
                   learner.learned_from());
    if (batch_size) report.sized(state, *batch_size);
    if (initialised) report.initialised(state, *initialised);
    if (started_by_encoder) report.initialised(state, *started_by_encoder);
    for (const auto& warning : learner.warnings()) report.warn(state, warning);
    for (const auto& warning : warnings) report.warn(state, warning);

    TrainResult result;
    while (true) {
      if (!learner.is_told_to_stop() && validation_due()) judge(report, /*was_due=*/true);
      result.why = reason_to_stop(report);
      if (!result.why.empty()) break;  // saved below, judged: one checkpoint a step
      if (const bool is_due = save_due(); is_due || is_outdated) save(report, is_due);
      give(ranks, Order::kStep);
      if (!learner.step()) continue;
      result.went_on = true;
      if (!learner.divergence().empty()) {
        fall_back(report);
        continue;
      }
      report.stepped(state, learner.grad_norm(), share_done(report.minutes()));
      if (after_step) after_step(state);
    }
    const bool judged = !learner.is_judged() || state.validated_step == state.step;
    if (result.why != "signal" && !judged) judge(report, /*was_due=*/false);
    if (state.step > 0 && saved_step != state.step) save(report, save_due());
    give(ranks, Order::kEnd);
    report.stopped(state, result.why, ranks);
    result.state = state;
    if (learner.is_told_to_stop())
      result.signal = base::stop_signal() != 0 ? base::stop_signal() : SIGTERM;
    return result;
  }

  const RunFolder& folder;
  Recipe recipe;
  const TrainOptions& options;
  bool quiet;
  Ranks& ranks;
  Learner learner;
  TrainState& state = learner.state;
  std::vector<std::string> warnings;       ///< to tell when it runs
  std::optional<Initialised> initialised;  ///< likewise, by a fresh run
  std::optional<models::EncoderStart> started_by_encoder;

  std::int64_t saved_step = -1;    ///< of the newest checkpoint, -1 when it is out of date
  std::uint64_t saved_epochs = 0;  ///< that were over at it
  bool must_save = false;          ///< a best is new
  bool is_outdated = false;        ///< what is saved of this step is
};

Trainer::Trainer(const RunFolder& folder, const Recipe& recipe, const data::Store& store,
                 bool quiet, Ranks& ranks)
    : impl_(std::make_unique<Impl>(folder, recipe, store, quiet, ranks)) {}
Trainer::~Trainer() = default;

TrainResult Trainer::run() {
  try {
    return impl_->run(after_step, batch_size);
  } catch (const base::FileError& error) {
    if (models::checkpoint_steps(impl_->folder.path()).empty()) throw;
    throw base::FileError(std::string(error.what()) +
                          "; then the same command goes on from the last checkpoint");
  }
}
const TrainState& Trainer::state() const { return impl_->state; }

}  // namespace banter::train
