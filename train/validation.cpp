#include "train/validation.h"

#include "base/errors.h"
#include "base/signals.h"
#include "train/evaluation/evaluate.h"
#include "train/ranks/share_rows.h"

namespace banter::train {

const data::Split* validation_split(const data::Store& store, const TrainOptions& options) {
  const auto& name = options.valid_split;
  if (name.empty()) return nullptr;
  if (!store.has_split(name))
    refuse_validation(store, "has no split \"" + name + "\" to validate on");
  return &store.split(name);
}

void refuse_validation(const data::Store& store, const std::string& why) {
  throw base::ConfigError(store.folder().string() + ": " + why +
                          "; raise data.valid_share and prepare again with --force, name another "
                          "train.valid_split, or set it to \"\" to train without");
}

std::optional<Likelihood> validate(models::DialogueModel& model, const data::Split& split,
                                   const data::BatchOptions& batch, std::int64_t max_replies,
                                   torch::Device device, Ranks& ranks) {
  const torch::NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  data::EvaluationStream stream(split, batch, model.vocabulary().special);
  std::vector<Likelihood> batches;
  std::int64_t replies = 0;
  data::Batch next;
  while ((max_replies == 0 || replies < max_replies) && base::stop_signal() == 0 &&
         stream.next(next)) {
    replies += next.replies();
    batches.push_back(makes_row(ranks, batches.size())
                          ? total(reply_likelihoods(model.score(next.to(device)), next))
                          : Likelihood{});
  }
  model.train(was_training);
  if (!share_rows(ranks, batches, base::stop_signal() != 0)) return {};
  return total(batches);
}

}  // namespace banter::train
