#include "models/layers/gru_stack.h"

#include <vector>

namespace banter::models {

GruStackImpl::GruStackImpl(std::int64_t input_dim, std::int64_t hidden_dim, std::int64_t layers)
    : GruImpl(input_dim, hidden_dim) {
  if (layers == 1) return;
  upper_ =
      register_module("upper", std::make_shared<GruStackImpl>(hidden_dim, hidden_dim, layers - 1));
  step_upper_ = register_module("step_upper", StepLinear());
}

torch::Tensor GruStackImpl::run(const torch::Tensor& gates, const torch::Tensor& start,
                                const Packing& packing) {
  const auto H = weight_hh.size(1);
  const auto states =
      gru_recurrence(gates, start.narrow(1, 0, H), weight_hh, bias_hh, packing).states;
  if (!upper_) return states;
  const auto above = torch::addmm(upper_->bias_ih, states, upper_->weight_ih.t());
  return upper_->run(above, start.slice(1, H), packing);
}

RecurrentStates GruStackImpl::run(const torch::Tensor& gates, const torch::Tensor& start,
                                  const Packing& packing, const Attend& attend) {
  auto state = start.index_select(0, packing.order);
  std::vector<torch::Tensor> states, weights;
  for (std::size_t t = 0; t < packing.counts.size(); ++t) {
    const auto n = packing.counts[t];
    const auto before = state.narrow(0, 0, n);  // (n,L*H)
    const auto [seen, a] = attend(top(before));
    state = step(gates.narrow(0, packing.offsets[t], n) + seen, before);
    states.push_back(top(state));
    weights.push_back(a.detach());
  }
  return {torch::cat(states), torch::cat(weights)};
}

torch::Tensor GruStackImpl::step(const torch::Tensor& gates, const torch::Tensor& state) {
  if (!upper_) return GruImpl::step(gates, state);
  const auto H = weight_hh.size(1);
  const auto lowest = GruImpl::step(gates, state.narrow(1, 0, H));
  const auto above = step_upper_->forward(lowest, upper_->weight_ih, upper_->bias_ih);
  return torch::cat({lowest, upper_->step(above, state.slice(1, H))}, 1);
}

}  // namespace banter::models
