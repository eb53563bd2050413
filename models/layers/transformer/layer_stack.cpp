#include "models/layers/transformer/layer_stack.h"

#include <cmath>

namespace banter::models {
namespace {

torch::nn::LayerNorm norm_of(const TransformerOptions& o) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({o.dim}).eps(o.norm_eps));
}

}  // namespace

LayerStack::LayerStack(const TransformerOptions& o, bool drops_input)
    : scale_(o.scale_embedding ? std::sqrt(static_cast<double>(o.dim)) : 1) {
  positions_ = register_module(
      "positions",
      make_positions(
          o.positions,
          {.dim = o.dim, .heads = o.heads, .most = o.max_positions, .offset = o.position_offset}));
  if (o.embedding_norm) embedding_norm_ = register_module("embedding_norm", norm_of(o));
  dropout_ = register_module("dropout", torch::nn::Dropout(drops_input ? o.dropout : 0));
}

void LayerStack::register_last(const TransformerOptions& o) {
  if (o.final_norm) norm_ = register_module("norm", norm_of(o));
}

torch::Tensor LayerStack::first(const torch::Tensor& x, const Places& places) {
  const auto placed = positions_->added_to(scale_ == 1 ? x : x * scale_, places);
  return dropout_(embedding_norm_.is_empty() ? placed : embedding_norm_(placed));
}

torch::Tensor LayerStack::last(const torch::Tensor& x) { return norm_.is_empty() ? x : norm_(x); }

}  // namespace banter::models
