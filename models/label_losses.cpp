#include "models/label_losses.h"

namespace banter::models {

bool is_of_labels(std::string_view loss) { return loss == "nll" || loss == "nll_consistency"; }

std::vector<LossSum> label_losses(const std::string& name, OutputLayer& output,
                                  const torch::Tensor& states, const torch::Tensor& labels,
                                  std::int64_t count) {
  if (output->smoothing.share == 0) return {{name, output->nll_sum(states, labels), count}};
  const auto sums = output->smoothed_sum(states, labels);
  return {{name, sums.nll, count}, {name + std::string(kSmoothed), sums.smoothed, count}};
}

void smooth_labels(torch::nn::Module& model, const LabelSmoothing& smoothing) {
  for (const auto& part : model.modules())
    if (auto* output = part->as<OutputLayer>()) output->smoothing = smoothing;
}

}  // namespace banter::models
