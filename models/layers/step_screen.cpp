#include "models/layers/step_screen.h"

#include "models/layers/fused.h"

namespace banter::models {

void StepScreenImpl::train(bool on) {
  torch::nn::Module::train(on);
  weight_ = bias_ = Unchanged();
  screen_ = LabelScreen();
}

std::vector<ScreenedRow> StepScreenImpl::forward(const torch::Tensor& x,
                                                 const torch::Tensor& weight,
                                                 const torch::Tensor& bias) {
  if (!has_kernels(x, Kernel::kScreen) || !is_used(Kernel::kStep) ||
      x.scalar_type() != torch::kFloat || weight.scalar_type() != torch::kFloat ||
      !weight.is_contiguous() || x.size(0) > label_bound_kernels().most_rows ||
      weight.size(1) > kMostLabelWidth || torch::GradMode::is_enabled() || is_training())
    return std::vector<ScreenedRow>(static_cast<std::size_t>(x.size(0)));
  if (!weight_.is(weight) || !bias_.is(bias)) {
    weight_ = Unchanged(weight);
    bias_ = Unchanged(bias);
    screen_ = LabelScreen(weight, bias);
  }
  return screen_.rows(x.contiguous());
}

}  // namespace banter::models
