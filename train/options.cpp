#include "train/options.h"

#include <algorithm>

namespace banter::train {
namespace {

/// A key that the chosen schedule does not read has its default, so that nobody relies on it.
void read_schedule(TrainOptions& o, configs::Section& section) {
  const TrainOptions unset;
  o.lr = section.get("lr", o.lr);
  o.schedule =
      section.choice("schedule", o.schedule,
                     {"constant", "inverse_sqrt", "cosine", "linear", "one_cycle", "plateau"});
  o.warmup_steps = section.get("warmup_steps", o.warmup_steps);
  o.schedule_steps = section.get("schedule_steps", o.schedule_steps);
  o.final_lr_share = section.get("final_lr_share", o.final_lr_share);
  o.start_lr_share = section.get("start_lr_share", o.start_lr_share);
  o.plateau_factor = section.get("plateau_factor", o.plateau_factor);
  o.plateau_patience = section.get("plateau_patience", o.plateau_patience);

  section.check(o.lr > 0, "lr", "positive");
  section.check(o.warmup_steps >= 0, "warmup_steps", "0 or more");
  const bool is_cycle = o.schedule == "one_cycle", is_plateau = o.schedule == "plateau";
  const bool has_end = o.schedule == "cosine" || o.schedule == "linear" || is_cycle;
  section.check(!is_cycle || o.warmup_steps > 0, "warmup_steps", "positive for schedule one_cycle");
  section.check(!has_end || o.schedule_steps > o.warmup_steps, "schedule_steps",
                "more than warmup_steps for schedule cosine, linear and one_cycle");
  section.check(has_end || o.schedule_steps == 0, "schedule_steps",
                "absent unless schedule is cosine, linear or one_cycle");
  section.check(o.final_lr_share >= 0 && o.final_lr_share <= 1, "final_lr_share", "in [0, 1]");
  section.check(has_end || is_plateau || o.final_lr_share == 0, "final_lr_share",
                "absent unless schedule is cosine, linear, one_cycle or plateau");
  section.check(o.start_lr_share >= 0 && o.start_lr_share <= 1, "start_lr_share", "in [0, 1]");
  section.check(is_cycle || o.start_lr_share == unset.start_lr_share, "start_lr_share",
                "absent unless schedule is one_cycle");
  section.check(o.plateau_factor > 0 && o.plateau_factor < 1, "plateau_factor", "in (0, 1)");
  section.check(is_plateau || o.plateau_factor == unset.plateau_factor, "plateau_factor",
                "absent unless schedule is plateau");
  section.check(o.plateau_patience >= 0, "plateau_patience", "0 or more");
  section.check(is_plateau || o.plateau_patience == unset.plateau_patience, "plateau_patience",
                "absent unless schedule is plateau");
}

/// A key that the chosen optimizer does not read has its default, so that nobody relies on it.
void read_optimizer(TrainOptions& o, configs::Section& section) {
  const TrainOptions unset;
  o.optimizer = section.choice("optimizer", o.optimizer, {"adamw", "adam", "sgd"});
  o.beta1 = section.get("beta1", o.beta1);
  o.beta2 = section.get("beta2", o.beta2);
  o.eps = section.get("eps", o.eps);
  o.momentum = section.get("momentum", o.momentum);
  o.nesterov = section.get("nesterov", o.nesterov);
  o.weight_decay = section.get("weight_decay", o.weight_decay);
  o.label_smoothing = section.get("label_smoothing", o.label_smoothing);
  o.word_drop = section.get("word_drop", o.word_drop);
  o.groups = read_groups(section, o.weight_decay);
  o.clip_norm = section.get("clip_norm", o.clip_norm);
  o.memory_share = section.get("memory_share", o.memory_share);
  o.micro_batches = section.get("micro_batches", o.micro_batches);
  o.pairs_per_dialogue_batch = section.get("pairs_per_dialogue_batch", o.pairs_per_dialogue_batch);
  o.ema_decay = section.get("ema_decay", o.ema_decay);
  o.max_bad_steps = section.get("max_bad_steps", o.max_bad_steps);
  o.max_fall_backs = section.get("max_fall_backs", o.max_fall_backs);
  o.fall_back_factor = section.get("fall_back_factor", o.fall_back_factor);
  o.fall_back_loss = section.get("fall_back_loss", o.fall_back_loss);

  section.check(o.beta1 >= 0 && o.beta1 < 1, "beta1", "in [0, 1)");
  section.check(o.beta2 >= 0 && o.beta2 < 1, "beta2", "in [0, 1)");
  section.check(o.eps > 0, "eps", "positive");
  section.check(o.momentum >= 0 && o.momentum < 1, "momentum", "in [0, 1)");
  const bool is_sgd = o.optimizer == "sgd";
  const std::string_view adams = "absent unless optimizer is adamw or adam";
  section.check(!is_sgd || o.beta1 == unset.beta1, "beta1", adams);
  section.check(!is_sgd || o.beta2 == unset.beta2, "beta2", adams);
  section.check(!is_sgd || o.eps == unset.eps, "eps", adams);
  section.check(is_sgd || o.momentum == 0, "momentum", "absent unless optimizer is sgd");
  section.check(!o.nesterov || o.momentum > 0, "nesterov", "false unless momentum is above 0");
  section.check(o.weight_decay >= 0, "weight_decay", "0 or more");
  section.check(o.label_smoothing >= 0 && o.label_smoothing < 1, "label_smoothing", "in [0, 1)");
  section.check(o.word_drop >= 0 && o.word_drop < 1, "word_drop", "in [0, 1)");
  section.check(o.clip_norm >= 0, "clip_norm", "0 or more");
  section.check(o.memory_share > 0 && o.memory_share <= 1, "memory_share", "in (0, 1]");
  section.check(o.micro_batches >= 1, "micro_batches", "1 or more");
  section.check(o.pairs_per_dialogue_batch >= 0, "pairs_per_dialogue_batch", "0 or more");
  section.check(o.ema_decay >= 0 && o.ema_decay < 1, "ema_decay", "in [0, 1)");
  section.check(o.max_bad_steps >= 1, "max_bad_steps", "1 or more");
  section.check(o.max_fall_backs >= 0, "max_fall_backs", "0 or more");
  section.check(o.fall_back_factor > 0 && o.fall_back_factor < 1, "fall_back_factor", "in (0, 1)");
  section.check(o.fall_back_loss == 0 || o.fall_back_loss > 1, "fall_back_loss",
                "0, or more than 1");
  section.check(o.fall_back_loss == 0 || o.max_fall_backs > 0, "fall_back_loss",
                "absent unless max_fall_backs is above 0");
}

/// How a step is computed.
void read_computing(TrainOptions& o, configs::Section& section) {
  constexpr std::int64_t kMostAhead = 64;
  o.precision = section.choice("precision", o.precision, {"float32", "bf16"});
  o.tf32 = section.get("tf32", o.tf32);
  o.prefetch = section.get("prefetch", o.prefetch);
  section.check(o.prefetch >= -1 && o.prefetch <= kMostAhead, "prefetch", "from -1 to 64");
}

void read_stops(TrainOptions& o, configs::Section& section) {
  o.steps = section.get("steps", o.steps);
  o.epochs = section.get("epochs", o.epochs);
  o.minutes = section.get("minutes", o.minutes);
  o.patience = section.get("patience", o.patience);
  o.stop_when = section.choice("stop_when", o.stop_when, {"first", "any", "all"});
  section.check(o.steps >= 0, "steps", "0 or more");
  section.check(o.epochs >= 0, "epochs", "0 or more");
  section.check(o.minutes >= 0, "minutes", "0 or more");
  section.check(o.patience >= 0, "patience", "0 or more");
  section.check(o.patience > 0 || o.stop_when == "first", "stop_when",
                "absent unless patience is above 0");
  if (o.steps == 0 && o.epochs == 0 && o.minutes == 0 && o.patience == 0)
    section.fail("steps", "one of steps, epochs, minutes and patience must say when to stop");
}

void read_judgement(TrainOptions& o, configs::Section& section, JudgedOn what) {
  o.keep_best = {usual_steering_metric(what)};
  const bool has_replies = what == JudgedOn::kReplies;
  if (!has_replies) o.samples = 0;
  o.split = section.get("split", o.split);
  o.fraction = section.get("fraction", o.fraction);
  const auto seed = section.get("fraction_seed", static_cast<std::int64_t>(o.fraction_seed));
  o.fraction_seed = static_cast<std::uint64_t>(seed);
  o.valid_split = section.get("valid_split", o.valid_split);
  o.validate_every = section.get("validate_every", o.validate_every);
  o.valid_replies = section.get("valid_replies", o.valid_replies);
  o.samples = section.get("samples", o.samples);
  o.save_every = section.get("save_every", o.save_every);
  o.keep_last = section.get("keep_last", o.keep_last);
  o.keep_best = section.get("keep_best", o.keep_best);
  o.log_every = section.get("log_every", o.log_every);
  o.tensorboard = section.get("tensorboard", o.tensorboard);
  section.check(!o.split.empty(), "split", "the name of a split");
  section.check(o.fraction > 0 && o.fraction <= 1, "fraction", "in (0, 1]");
  section.check(seed >= 0, "fraction_seed", "0 or more");
  section.check(o.validate_every >= 0, "validate_every", "0 or more");
  section.check(o.valid_replies >= 0, "valid_replies", "0 or more");
  section.check(o.samples >= 0 && o.samples <= 100, "samples", "from 0 to 100");
  section.check(has_replies || o.samples == 0, "samples", "0: a classifier has no reply");
  section.check(o.save_every >= 0, "save_every", "0 or more");
  section.check(o.keep_last >= 1, "keep_last", "1 or more");
  section.check(o.log_every >= 1, "log_every", "1 or more");
  if (o.patience > 0 && o.valid_split.empty())
    section.fail("patience", "early stop needs a valid_split");
  if (o.schedule == "plateau" && o.valid_split.empty())
    section.fail("schedule", "plateau goes by validations and needs a valid_split");
  if (o.keep_best.empty()) section.fail("keep_best", "must name at least one metric");
  for (const auto& name : o.keep_best) {
    if (!is_steering_metric(name, what))
      section.fail("keep_best",
                   "knows no metric \"" + name + "\"; known: " + steering_metric_names(what));
    if (std::ranges::count(o.keep_best, name) > 1)
      section.fail("keep_best", "names \"" + name + "\" twice");
  }
}

}  // namespace

TrainOptions TrainOptions::from(configs::Section& section, JudgedOn what) {
  TrainOptions o;
  const auto seed = section.get<std::int64_t>("seed", static_cast<std::int64_t>(o.seed));
  section.check(seed >= 0, "seed", "0 or more");
  o.seed = static_cast<std::uint64_t>(seed);
  o.init_from = section.get("init_from", o.init_from);
  o.init_encoder = section.get("init_encoder", o.init_encoder);
  section.check(o.init_from.empty() || o.init_encoder.empty(), "init_encoder",
                "left out beside init_from: parameters start from one of them");
  read_schedule(o, section);
  read_optimizer(o, section);
  read_computing(o, section);
  read_stops(o, section);
  read_judgement(o, section, what);
  const bool has_replies = what == JudgedOn::kReplies;
  section.check(has_replies || o.label_smoothing == 0, "label_smoothing",
                "0: a classifier has no reply");
  section.check(has_replies || o.word_drop == 0, "word_drop", "0: a classifier has no decoder");
  section.reject_unknown();
  return o;
}

}  // namespace banter::train
