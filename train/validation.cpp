#include "train/validation.h"

#include "base/errors.h"
#include "base/signals.h"
#include "train/evaluation/evaluate.h"

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
                                   torch::Device device) {
  const torch::NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  data::EvaluationStream stream(split, batch, model.vocabulary().special);
  Likelihood sums;
  data::Batch next;
  while ((max_replies == 0 || sums.replies < static_cast<double>(max_replies)) &&
         base::stop_signal() == 0 && stream.next(next))
    sums += total(reply_likelihoods(model.score(next.to(device)), next));
  model.train(was_training);
  if (base::stop_signal() != 0) return {};
  return sums;
}

}  // namespace banter::train
