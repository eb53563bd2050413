#include "models/layers/additive_attention.h"

#include "models/layers/row_attention.h"

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

torch::Tensor AdditiveAttentionImpl::weights(const torch::Tensor& query, const torch::Tensor& keys,
                                             const torch::Tensor& index) {
  ++calls;
  return additive_weights(step_->forward(query, query_weight), keys, index, v);
}

}  // namespace banter::models
