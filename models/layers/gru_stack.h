#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/gru.h"

namespace banter::models {

/// A decoder's GRU with others above it, each reading the states of the one below.
///
/// Math     s^1_t = GRU(x_t, s^1_{t-1})        s^l_t = GRU_l(s^{l-1}_t, s^l_{t-1}),  l = 2..L
/// Shapes   a state is [s^1; ..; s^L]: (N,L*H); its top is s^L (N,H)
class GruStackImpl : public GruImpl {
 public:
  /// Requires layers >= 1.
  GruStackImpl(std::int64_t input_dim, std::int64_t hidden_dim, std::int64_t layers);

  /// All states of the top layer at once. Shapes   gates (P,3H) packed; start (N,L*H); returns
  /// (P,H)
  torch::Tensor run(const torch::Tensor& gates, const torch::Tensor& start, const Packing& packing);
  /// What a step's attention gives: its part of the gates (n,3H), and its weights (n,U).
  using Attend = std::function<std::pair<torch::Tensor, torch::Tensor>(const torch::Tensor& top)>;
  /// The same a step at a time, where the lowest layer reads what the top state before asks for.
  /// `attend` gets the top states (n,H) of the first n packed rows, those that are running.
  RecurrentStates run(const torch::Tensor& gates, const torch::Tensor& start,
                      const Packing& packing, const Attend& attend);
  /// One step of all layers. Shapes   gates (N,3H) of the lowest; state, returns (N,L*H)
  torch::Tensor step(const torch::Tensor& gates, const torch::Tensor& state);

  [[nodiscard]] torch::Tensor top(const torch::Tensor& state) const {
    return state.slice(1, state.size(1) - weight_hh.size(1));
  }
  [[nodiscard]] bool is_single() const { return upper_ == nullptr; }

 private:
  std::shared_ptr<GruStackImpl> upper_;  ///< the layers above
  StepLinear step_upper_{nullptr};       ///< their input gates
};
TORCH_MODULE(GruStack);

}  // namespace banter::models
