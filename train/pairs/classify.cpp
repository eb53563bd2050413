#include "train/pairs/classify.h"

#include <algorithm>

namespace banter::train {

data::Label ClassifiedPair::most_probable() const {
  return static_cast<data::Label>(std::ranges::max_element(log_probs) - log_probs.begin());
}

PairFit ClassifiedPair::fit() const {
  return {.nll = -log_probs.at(static_cast<std::size_t>(label)),
          .correct = most_probable() == label ? 1.0 : 0.0,
          .pairs = 1};
}

std::vector<ClassifiedPair> classify(models::PairClassifier& classifier,
                                     const data::PairBatch& batch, torch::Device device) {
  const auto log_probs = classifier.logits(batch.to(device))
                             .to(torch::kCPU, torch::kDouble)
                             .log_softmax(1)
                             .contiguous();  // (N,3)
  const auto* values = log_probs.const_data_ptr<double>();
  std::vector<ClassifiedPair> pairs(batch.pairs.size());
  for (std::size_t n = 0; n < pairs.size(); ++n) {
    auto& pair = pairs[n];
    pair.pair = batch.pairs[n];
    pair.label = static_cast<data::Label>(batch.label[static_cast<std::int64_t>(n)].item<int>());
    std::copy_n(values + n * pair.log_probs.size(), pair.log_probs.size(), pair.log_probs.begin());
  }
  return pairs;
}

}  // namespace banter::train
