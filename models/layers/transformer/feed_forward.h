#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/transformer/dense.h"

namespace banter::models {

struct FeedForwardOptions {
  std::int64_t dim = 256;           ///< D
  std::int64_t hidden_dim = 1024;   ///< width between the two maps, > 0
  std::string activation = "relu";  ///< relu|gelu|swish
  double dropout = 0.0;             ///< behind the activation, in [0, 1)
};

/// What stands between the two maps.
struct Activation {
  std::string_view name;
  torch::Tensor (*apply)(const torch::Tensor& x);
  bool is_exact = false;  ///< the same bits, whatever loop of LibTorch runs it
};

/// The known activations, sorted.
std::vector<std::string> activations();

/// W_2 act(W_1 x + b_1) + b_2, each token by itself.
///
/// Math     gelu = x Phi(x), with the error function;  swish = x sig(x)
/// Source   Vaswani et al. 2017, arXiv:1706.03762, 3.3; Hendrycks and Gimpel 2016, arXiv:1606.08415
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(const FeedForwardOptions& options);

  /// Shapes   x (P,D) -> (P,D)
  torch::Tensor forward(const torch::Tensor& x);
  /// The same in a step: what a row gets does not depend on how many there are.
  torch::Tensor step(const torch::Tensor& x);

 private:
  const Activation& activation_;
  Dense in_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  Dense out_{nullptr};
};
TORCH_MODULE(FeedForward);

}  // namespace banter::models
