#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/step_linear.h"
#include "models/layers/unchanged.h"

namespace banter::models {

/// x W^T + b for a step of decoding, where x are rows of a table of tokens: what a token gets is
/// made once and kept, under the rules of `StepLinear`, for the first few thousand different ones.
/// Texts are made of few: then a step reads a row in place of W. It is what `StepLinear` would
/// give, bit for bit.
class StepTokensImpl : public torch::nn::Module {
 public:
  StepTokensImpl();

  /// Shapes   given (N) int64, table (V,E), weight (O,E), bias (O); returns (N,O)
  /// Throws   ShapeError
  /// Cost     O numbers a token that was seen
  torch::Tensor forward(const torch::Tensor& given, const torch::Tensor& table,
                        const torch::Tensor& weight, const torch::Tensor& bias);

  void train(bool on = true) override;

 private:
  bool keep(const torch::Tensor& ids, const torch::Tensor& table, const torch::Tensor& weight,
            const torch::Tensor& bias);

  StepLinear linear_{nullptr};
  Unchanged table_, weight_, bias_;   ///< that `rows_` were made from
  torch::Tensor rows_;                ///< (kMostKept,O), the first `kept_` of them made
  std::vector<std::int64_t> places_;  ///< (V): in `rows_`, -1 = none
  std::int64_t kept_ = 0;
};
TORCH_MODULE(StepTokens);

}  // namespace banter::models
