#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "train/parameter_groups.h"
#include "train/steering.h"

namespace banter::train {

/// How a model is trained. Read from `train`; all of it is stored with the run.
///
/// A step is one update of the parameters. What triggers validation, saving, keep_best or early
/// stop is counted in steps or epochs, never by a clock; minutes may only stop a run.
struct TrainOptions {
  std::uint64_t seed = 1;    ///< of parameters, order and dropout
  std::string init_from;     ///< a run that parameters start from where name and shape agree; "" =
                             ///< none; not read when this run goes on
  std::string init_encoder;  ///< a pretrained encoder that parameters start from, a folder or file
                             ///< of Hugging Face's; "" = none; not read when this run goes on

  double lr = 0.001;                      ///< learning rate after the warm-up, > 0
  std::string schedule = "inverse_sqrt";  ///< constant|inverse_sqrt|cosine|linear|one_cycle|plateau
  std::int64_t warmup_steps = 200;        ///< the rate rises linearly over these, >= 0
  std::int64_t schedule_steps = 0;        ///< where cosine, linear and one_cycle end (they need it)
  double final_lr_share = 0.0;        ///< of lr, left at that end, or by plateau at last; in [0, 1]
  double start_lr_share = 0.04;       ///< of lr, where one_cycle begins, in [0, 1]
  double plateau_factor = 0.5;        ///< what plateau multiplies the rate by, in (0, 1)
  std::int64_t plateau_patience = 2;  ///< validations without a new best that it bears, >= 0

  std::string optimizer = "adamw";  ///< adamw|adam|sgd
  double beta1 = 0.9;               ///< AdamW, Adam: memory of the gradient, in [0, 1)
  double beta2 = 0.98;              ///< AdamW, Adam: memory of its square, in [0, 1)
  double eps = 1e-8;                ///< AdamW, Adam, > 0
  double momentum = 0.0;       ///< SGD: share of the last step's direction that stays, in [0, 1)
  bool nesterov = false;       ///< SGD: the gradient is added once more, looking ahead
  double weight_decay = 0.01;  ///< of matrices only (no bias, no norm), >= 0
  std::vector<ParameterGroup> groups;  ///< parameters with a rate or decay of their own, or frozen
  double label_smoothing =
      0.0;                    ///< of a label's probability, spread over the vocabulary, in [0, 1)
  double word_drop = 0.0;     ///< share of the decoder's inputs read as unk, in [0, 1)
  double clip_norm = 1.0;     ///< longest gradient, > 0; 0 = not clipped
  double memory_share = 0.7;  ///< of the free memory, for a step where batch.tokens_per_batch is
                              ///< auto, in (0, 1]
  std::int64_t micro_batches = 1;  ///< batches whose gradients are summed for one step, >= 1
  /// Batches of sentence pairs beside each of them, >= 0; for models that learn from both.
  std::int64_t pairs_per_dialogue_batch = 0;
  double ema_decay = 0.0;             ///< of the averaged weights, in [0, 1); 0 = no average
  std::string precision = "float32";  ///< float32|bf16: of matrix products; all else is float32
  bool tf32 = false;                  ///< whether a GPU may multiply float32 as TF32
  std::int64_t prefetch = -1;  ///< steps whose batches are made ahead, beside the computing, >= 0;
                               ///< -1 = 1 where a GPU computes, else 0
  std::int64_t max_bad_steps = 10;  ///< steps in a row whose gradient is not finite; then it ends
  /// How often it goes back to the last good checkpoint instead, with a lower rate; >= 0
  std::int64_t max_fall_backs = 0;
  double fall_back_factor = 0.5;  ///< of the rate, each time, in (0, 1)
  double fall_back_loss = 0.0;    ///< a step is bad, too, whose loss is so many times the average
                                  ///< of the steps before it, > 1; 0 = none is

  std::int64_t steps = 0;     ///< stop after so many; 0 = no limit
  std::int64_t epochs = 0;    ///< stop after so many passes over the split; 0 = no limit
  double minutes = 0.0;       ///< stop this start of the program after so long; 0 = no limit
  std::int64_t patience = 0;  ///< stop after so many validations without a new best; 0 = never
  std::string stop_when = "first";  ///< first|any|all of keep_best, by whose bests that goes

  std::string split = "train";        ///< what it learns from
  double fraction = 1;                ///< of the groups of it that are learned from, in (0, 1]
  std::uint64_t fraction_seed = 1;    ///< of the order in which groups are taken
  std::string valid_split = "valid";  ///< what it is judged by; "" = no validation
  std::int64_t validate_every = 0;    ///< steps; 0 = at the end of every epoch
  std::int64_t valid_replies = 0;     ///< judge by the first so many replies; 0 = all
  std::int64_t samples = 3;     ///< contexts of valid_split that each validation answers, the same
                                ///< ones, for the log; 0 = none; of pairs 0
  std::int64_t save_every = 0;  ///< steps; 0 = at the end of every epoch
  std::int64_t keep_last = 2;   ///< newest checkpoints that stay, >= 1
  std::vector<std::string> keep_best = {"ppl"};  ///< metrics whose best checkpoint stays; the first
                                                 ///< one is CURRENT's; of pairs {"accuracy"}
  std::int64_t log_every = 10;                   ///< steps between lines of log.jsonl, >= 1
  bool tensorboard = false;                      ///< whether RUN/events is written, too

  /// Reads the keys above. Throws   ConfigError on a bad value or an unknown key
  static TrainOptions from(configs::Section& section, JudgedOn what = JudgedOn::kReplies);
};

}  // namespace banter::train
