#include "models/layers/transformer/transformer_stack.h"

#include <string>

namespace banter::models {

TransformerStackImpl::TransformerStackImpl(const TransformerOptions& o, std::int64_t layers,
                                           bool reads_memory, bool drops_input)
    : LayerStack(o, drops_input) {
  for (std::int64_t i = 0; i < layers; ++i)
    layers_.push_back(
        register_module(std::to_string(i), TransformerLayer(o, positions_, reads_memory)));
  register_last(o);
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
                                                      const Looked& memory) {
  const auto own = StepSlots::of(length);
  Step step;
  step.vectors = first(x, own.places);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    auto layer = layers_[i]->step(step.vectors, own, slots[2 * i], slots[2 * i + 1],
                                  memory.rows.at(i), memory.index);
    step.vectors = layer.vectors;
    step.weights = layer.weights;
    step.slots.push_back(std::move(layer.keys));
    step.slots.push_back(std::move(layer.values));
  }
  step.vectors = last(step.vectors);
  return step;
}

torch::Tensor TransformerStackImpl::all_steps(const torch::Tensor& x, const PaddedRows& rows,
                                              const Looked& memory) {
  const auto own = StepSlots::of_all(rows);
  const auto none = x.new_zeros({1, 0, x.size(1)});
  auto vectors = first(x, rows.positions);
  for (std::size_t i = 0; i < layers_.size(); ++i)
    vectors = layers_[i]->step(vectors, own, none, none, memory.rows.at(i), memory.index).vectors;
  return last(vectors);
}

}  // namespace banter::models
