#include "models/layers/transformer/consistency_decoder.h"

#include <string>
#include <utility>

namespace banter::models {

ConsistencyDecoderImpl::ConsistencyDecoderImpl(const TransformerOptions& o,
                                               const ConsistencyOptions& consistency,
                                               std::int64_t layers)
    : LayerStack(o, /*drops_input=*/true) {
  for (std::int64_t i = 0; i < layers; ++i)
    layers_.push_back(
        register_module(std::to_string(i), ConsistencyLayer(o, consistency, positions_)));
  register_last(o);
}

ConsistencyLayerImpl::Seen ConsistencyDecoderImpl::forward(const torch::Tensor& x,
                                                           const PaddedRows& rows,
                                                           const std::optional<Persona>& persona,
                                                           const std::optional<Draft>& draft,
                                                           bool with_weights) {
  const auto among = AttentionRows::among(rows);
  AttentionRows persona_among, over_persona, over_draft;
  if (persona) {
    persona_among = AttentionRows::among(persona->rows);
    over_persona = AttentionRows::of(rows, persona->rows);
  }
  if (draft) over_draft = AttentionRows::of(rows, draft->rows);
  ConsistencyLayerImpl::Seen seen{x, {}};
  for (auto& layer : layers_) {
    std::optional<ConsistencyLayerImpl::Persona> of_persona;
    std::optional<ConsistencyLayerImpl::Draft> of_draft;
    if (persona) {
      const bool is_asked = with_weights && &layer == &layers_.back();
      of_persona.emplace(ConsistencyLayerImpl::Persona{
          persona->vectors, persona->rows.positions, persona_among, over_persona,
          is_asked ? persona->rows.index().index_select(0, rows.row) : torch::Tensor()});
    }
    if (draft)
      of_draft.emplace(ConsistencyLayerImpl::Draft{draft->vectors, over_draft, draft->is_causal});
    seen = layer->forward(seen.vectors, among, rows.positions, of_persona ? &*of_persona : nullptr,
                          of_draft ? &*of_draft : nullptr);
  }
  seen.vectors = last(seen.vectors);
  return seen;
}

std::vector<KeysValues> ConsistencyDecoderImpl::read_persona(const Persona& persona) {
  const auto among = AttentionRows::among(persona.rows);
  std::vector<KeysValues> read;
  read.reserve(layers_.size());
  for (auto& layer : layers_)
    read.push_back(layer->read_persona(persona.vectors, persona.rows.positions, among));
  return read;
}

std::vector<KeysValues> ConsistencyDecoderImpl::read_draft(const torch::Tensor& r1) {
  std::vector<KeysValues> read;
  read.reserve(layers_.size());
  for (auto& layer : layers_) read.push_back(layer->read_draft(r1));
  return read;
}

ConsistencyDecoderImpl::Step ConsistencyDecoderImpl::step(const torch::Tensor& x,
                                                          const torch::Tensor& length,
                                                          std::span<const torch::Tensor> slots,
                                                          const Looked& persona,
                                                          const Looked& draft) {
  const auto own = StepSlots::of(length);
  Step step;
  step.vectors = first(x, own.places);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto none = torch::Tensor();
    auto layer =
        layers_[i]->step(step.vectors, own, slots.empty() ? none : slots[2 * i],
                         slots.empty() ? none : slots[2 * i + 1],
                         {persona.rows.at(i), persona.index}, {draft.rows.at(i), draft.index});
    step.vectors = layer.vectors;
    step.weights = layer.weights;
    if (slots.empty()) continue;
    step.slots.push_back(std::move(layer.keys));
    step.slots.push_back(std::move(layer.values));
  }
  step.vectors = last(step.vectors);
  return step;
}

}  // namespace banter::models
