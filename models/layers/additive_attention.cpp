#include "models/layers/additive_attention.h"

#include "models/layers/shapes.h"

namespace banter::models {

AdditiveAttentionImpl::AdditiveAttentionImpl(std::int64_t memory_dim, std::int64_t query_dim,
                                             std::int64_t width) {
  memory_weight = register_parameter("memory_weight", torch::empty({width, memory_dim}));
  query_weight = register_parameter("query_weight", torch::empty({width, query_dim}));
  v = register_parameter("v", torch::empty({width}));
  step_ = register_module("step", StepLinear());
}

torch::Tensor AdditiveAttentionImpl::keys(const torch::Tensor& memory) {
  return memory.mm(memory_weight.t());
}

Attended AdditiveAttentionImpl::look(const torch::Tensor& query, const torch::Tensor& keys,
                                     const torch::Tensor& values, const torch::Tensor& index) {
  ++calls;
  return additive_attention(step_->forward(query, query_weight), keys, v, values, index);
}

Attended AdditiveAttentionImpl::look_in_groups(const torch::Tensor& query,
                                               const torch::Tensor& keys,
                                               const torch::Tensor& values,
                                               const torch::Tensor& index) {
  ++calls;
  const auto U = dims<3>(index, "index (N,U,T)")[1];
  const auto asked = step_->forward(query, query_weight).repeat_interleave(U, 0);  // (N*U,K)
  auto seen = additive_attention(asked, keys, v, values, index.flatten(0, 1));
  seen.weights = seen.weights.view_as(index);
  return seen;
}

}  // namespace banter::models
