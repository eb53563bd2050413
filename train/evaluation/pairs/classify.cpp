#include "train/evaluation/pairs/classify.h"

namespace banter::train {

PairFit ClassifiedPair::fit() const {
  return {.nll = -log_probs.at(static_cast<std::size_t>(label)),
          .correct = models::most_probable(log_probs) == label ? 1.0 : 0.0,
          .pairs = 1};
}

std::vector<ClassifiedPair> classify(models::PairClassifier& classifier,
                                     const data::PairBatch& batch, torch::Device device) {
  const auto rows = models::label_log_probs(classifier, batch, device);
  std::vector<ClassifiedPair> pairs(rows.size());
  for (std::size_t n = 0; n < pairs.size(); ++n)
    pairs[n] = {
        .pair = batch.pairs[n],
        .label = static_cast<data::Label>(batch.label[static_cast<std::int64_t>(n)].item<int>()),
        .log_probs = rows[n]};
  return pairs;
}

}  // namespace banter::train
