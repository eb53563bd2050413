#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/packing.h"
#include "models/layers/step_linear.h"

namespace banter::models {

/// What an attention inside a recurrence reads: at each step the state before it is the query, and
/// the weighted rows of `values` are added to the step's input gates.
struct RecurrentAttention {
  torch::Tensor query_weight;  ///< (K,H)
  torch::Tensor v;             ///< (K)
  torch::Tensor keys;          ///< (R,K)
  torch::Tensor values;        ///< (R,3H): attended rows, already multiplied into the gates
  torch::Tensor index;         ///< (N,U) int64 rows of keys and values, in the order of the batch
};

struct RecurrentStates {
  torch::Tensor states;   ///< (P,H): after each packed step
  torch::Tensor weights;  ///< (P,U): of the attention at each step, without gradient; or undefined
};

/// Runs one GRU layer over packed rows.
///
/// Math     r = sig(gi_r + R_r h + d_r)   z = sig(gi_z + R_z h + d_z)
///          c = tanh(gi_c + r * (R_c h + d_c))   h' = (1-z) * c + z * h
///          with attention: a = additive weights of Q h over keys,  gi += sum_u a_u values_u
///          The gradients of the weight matrices are one product over all steps, not a sum of one a
///          step; that is where the time over a step-by-step autograd goes.
/// Shapes   gates (P,3H): input gates r|z|c with their bias; start (N,H) or undefined = zeros, in
///          the order of the batch; weight_hh (3H,H), bias_hh (3H)
/// Throws   ShapeError
/// Cost     O(P*H*H); keeps (P,4H) gates for the way back when gradients are on
/// Source   Cho et al. 2014, arXiv:1406.1078, as torch.nn.GRU has it (reset after the product)
RecurrentStates gru_recurrence(const torch::Tensor& gates, const torch::Tensor& start,
                               const torch::Tensor& weight_hh, const torch::Tensor& bias_hh,
                               const Packing& packing,
                               const std::optional<RecurrentAttention>& attention = std::nullopt);

/// The same by plain differentiable operations, a step at a time: other devices, and the tests.
RecurrentStates gru_recurrence_plain(
    const torch::Tensor& gates, const torch::Tensor& start, const torch::Tensor& weight_hh,
    const torch::Tensor& bias_hh, const Packing& packing,
    const std::optional<RecurrentAttention>& attention = std::nullopt);

/// One step for N rows. Shapes   gates (N,3H) input gates, hidden_gates (N,3H), h (N,H) -> (N,H)
torch::Tensor gru_cell(const torch::Tensor& gates, const torch::Tensor& hidden_gates,
                       const torch::Tensor& h);

/// The weights of one GRU layer, named as torch.nn.GRU names them.
class GruImpl : public torch::nn::Module {
 public:
  /// Requires input_dim > 0 and hidden_dim > 0.
  GruImpl(std::int64_t input_dim, std::int64_t hidden_dim);

  /// Shapes   input (P,I) packed; start (N,H) or undefined; returns (P,H)
  torch::Tensor forward(const torch::Tensor& input, const Packing& packing,
                        const torch::Tensor& start = {});

  /// One step of decoding. Shapes   gates (N,3H): W_ih x + b_ih; state (N,H); returns (N,H)
  torch::Tensor step(const torch::Tensor& gates, const torch::Tensor& state);

  torch::Tensor weight_ih;  ///< (3H,I)
  torch::Tensor weight_hh;  ///< (3H,H)
  torch::Tensor bias_ih;    ///< (3H)
  torch::Tensor bias_hh;    ///< (3H)

 private:
  StepLinear step_hidden_{nullptr};
};
TORCH_MODULE(Gru);

}  // namespace banter::models
