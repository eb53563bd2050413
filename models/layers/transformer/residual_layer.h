#pragma once

#include <string>

#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include "models/layers/transformer/transformer_options.h"

namespace banter::models {

/// What layers have in common whose parts are each added to what they read.
///
/// Math     pre: x + f(norm(x))        post: norm(x + f(x))        f with dropout behind it
/// Source   Vaswani et al. 2017, arXiv:1706.03762, section 3.1; pre: Xiong et al. 2020,
///          arXiv:2002.04745
class ResidualLayer : public torch::nn::Module {
 protected:
  explicit ResidualLayer(const TransformerOptions& o)
      : dim_(o.dim), norm_eps_(o.norm_eps), is_pre_(o.norm == "pre") {
    dropout_ = register_module("dropout", torch::nn::Dropout(o.dropout));
  }

  torch::nn::LayerNorm add_norm(const std::string& name) {
    return register_module(
        name, torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim_}).eps(norm_eps_)));
  }

  template <typename Part>
  torch::Tensor with_residual(torch::nn::LayerNorm& norm, const torch::Tensor& x,
                              const Part& part) {
    return is_pre_ ? x + dropout_(part(norm(x))) : norm(x + dropout_(part(x)));
  }

 private:
  std::int64_t dim_;
  double norm_eps_;
  bool is_pre_;
  torch::nn::Dropout dropout_{nullptr};
};

}  // namespace banter::models
