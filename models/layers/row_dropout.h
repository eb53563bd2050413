#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/packing.h"

namespace banter::models {

/// Dropout of tokens' vectors, which knows the rows (turns, contexts or replies) they stand in.
///
/// Math     y = x m / (1 - p),  m = 0 with probability p, else 1
///          of values: an m for each value; locked: an m (D) for each row, the same for its tokens
///          On a CPU m is a function of the element's place and of a key, so threads share it and
///          nothing of it is kept for the way back; elsewhere it is LibTorch's
/// Modes    eval(), or p = 0: returns x itself and draws nothing; train(): draws the key from
///          LibTorch's generator
/// Source   of values: Zaremba et al. 2014, arXiv:1409.2329; locked: Gal and Ghahramani 2016,
///          arXiv:1512.05287, section 4.1, by the name of Merity et al. 2018, arXiv:1708.02182,
///          section 4.2; differs: not on the recurrent connections, nor between layers
class RowDropoutImpl : public torch::nn::Module {
 public:
  /// `p` in [0, 1).
  RowDropoutImpl(double p, bool is_locked);

  /// Shapes   x (P,D) packed -> (P,D)
  torch::Tensor forward(const torch::Tensor& x, const Packing& rows);
  /// Of values, whatever the kind: of one token a row, which has no other to share a mask with.
  /// Shapes   x (N,D) -> (N,D)
  torch::Tensor of_values(const torch::Tensor& x);

 private:
  double p_;
  bool is_locked_;
};
TORCH_MODULE(RowDropout);

}  // namespace banter::models
