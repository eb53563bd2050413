#include "models/layers/transformer/transformer_stack.h"

#include <cmath>
#include <string>

namespace banter::models {

TransformerStackImpl::TransformerStackImpl(const TransformerOptions& o, std::int64_t layers,
                                           bool reads_memory, bool drops_input)
    : scale_(o.scale_embedding ? std::sqrt(static_cast<double>(o.dim)) : 1) {
  const auto norm = [&] { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({o.dim})); };
  positions_ = register_module(
      "positions",
      make_positions(
          o.positions,
          {.dim = o.dim, .heads = o.heads, .most = o.max_positions, .offset = o.position_offset}));
  if (o.embedding_norm) embedding_norm_ = register_module("embedding_norm", norm());
  dropout_ = register_module("dropout", torch::nn::Dropout(drops_input ? o.dropout : 0));
  for (std::int64_t i = 0; i < layers; ++i)
    layers_.push_back(
        register_module(std::to_string(i), TransformerLayer(o, positions_, reads_memory)));
  if (o.final_norm) norm_ = register_module("norm", norm());
}

/// What the first layer reads. Shapes   x (P,D) -> (P,D)
torch::Tensor TransformerStackImpl::first(const torch::Tensor& x, const Places& places) {
  const auto placed = positions_->added_to(scale_ == 1 ? x : x * scale_, places);
  return dropout_(embedding_norm_.is_empty() ? placed : embedding_norm_(placed));
}

torch::Tensor TransformerStackImpl::last(const torch::Tensor& x) {
  return norm_.is_empty() ? x : norm_(x);
}

torch::Tensor TransformerStackImpl::forward(const torch::Tensor& x, const PaddedRows& rows) {
  const auto among = AttentionRows::among(rows);
  auto vectors = first(x, rows.positions);
  for (auto& layer : layers_)
    vectors = layer->forward(vectors, among, rows.positions, std::nullopt).vectors;
  return last(vectors);
}

TransformerLayerImpl::Seen TransformerStackImpl::forward(const torch::Tensor& x,
                                                         const PaddedRows& rows,
                                                         const torch::Tensor& memory,
                                                         const PaddedRows& memory_rows,
                                                         bool with_weights) {
  const auto among = AttentionRows::among(rows), over = AttentionRows::of(rows, memory_rows);
  TransformerLayerImpl::Seen seen{first(x, rows.positions), {}};
  for (auto& layer : layers_) {
    const bool is_asked = with_weights && &layer == &layers_.back();
    const auto index =
        is_asked ? memory_rows.index().index_select(0, rows.row) : torch::Tensor();  // (P,J)
    seen = layer->forward(seen.vectors, among, rows.positions,
                          TransformerLayerImpl::Memory{memory, over, index});
  }
  seen.vectors = last(seen.vectors);
  return seen;
}

std::vector<KeysValues> TransformerStackImpl::read_memory(const torch::Tensor& memory) {
  std::vector<KeysValues> read;
  for (auto& layer : layers_) read.push_back(layer->read_memory(memory));
  return read;
}

TransformerStackImpl::Step TransformerStackImpl::step(const torch::Tensor& x,
                                                      const torch::Tensor& length,
                                                      std::span<const torch::Tensor> slots,
                                                      const std::vector<KeysValues>& memory,
                                                      const torch::Tensor& memory_index) {
  const auto own = StepSlots::of(length);
  Step step;
  step.vectors = first(x, own.places);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    auto layer = layers_[i]->step(step.vectors, own, slots[2 * i], slots[2 * i + 1], memory.at(i),
                                  memory_index);
    step.vectors = layer.vectors;
    step.weights = layer.weights;
    step.slots.push_back(std::move(layer.keys));
    step.slots.push_back(std::move(layer.values));
  }
  step.vectors = last(step.vectors);
  return step;
}

}  // namespace banter::models
