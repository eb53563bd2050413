#pragma once

#include <memory>

#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include "models/layers/transformer/positions.h"
#include "models/layers/transformer/transformer_options.h"

namespace banter::models {

/// What stands before the first and behind the last of a stack's layers.
///
/// Math     x_0 = [norm](sqrt(D) e + position), with dropout; the layers; [norm]
class LayerStack : public torch::nn::Module {
 public:
  /// What the first layer reads. Shapes   x (P,D) token vectors -> (P,D)
  torch::Tensor first(const torch::Tensor& x, const Places& places);

 protected:
  /// `drops_input`: dropout before the first layer; not where the vectors come with theirs.
  LayerStack(const TransformerOptions& options, bool drops_input);
  /// Registers the norm behind the last layer, after the layers.
  void register_last(const TransformerOptions& options);
  torch::Tensor last(const torch::Tensor& x);

  std::shared_ptr<Positions> positions_;  ///< shared by the layers

 private:
  double scale_;  ///< of token vectors
  torch::nn::LayerNorm embedding_norm_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};

}  // namespace banter::models
