#include "models/label_log_probs.h"

#include <algorithm>

namespace banter::models {

data::Label most_probable(const LabelLogProbs& values) {
  return static_cast<data::Label>(std::ranges::max_element(values) - values.begin());
}

std::vector<LabelLogProbs> label_log_probs(PairClassifier& classifier, const data::PairBatch& batch,
                                           torch::Device device) {
  const auto log_probs = classifier.logits(batch.to(device))
                             .to(torch::kCPU, torch::kDouble)
                             .log_softmax(1)
                             .contiguous();  // (N,3)
  const auto* values = log_probs.const_data_ptr<double>();
  std::vector<LabelLogProbs> rows(static_cast<std::size_t>(log_probs.size(0)));
  for (auto& row : rows) {
    std::copy_n(values, row.size(), row.begin());
    values += row.size();
  }
  return rows;
}

}  // namespace banter::models
