#include "train/validation.h"

#include "base/signals.h"
#include "train/evaluate.h"

namespace banter::train {

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
