#include "models/layers/transformer/turn_encoder.h"

#include <utility>

namespace banter::models {

TransformerTurnEncoderImpl::TransformerTurnEncoderImpl(const TransformerOptions& o,
                                                       std::int64_t layers, std::int64_t output_dim,
                                                       std::string pool)
    : pool_(std::move(pool)) {
  stack_ = register_module("stack", TransformerStack(o, layers, /*reads_memory=*/false,
                                                     /*drops_input=*/false));
  out_ = register_module("out", torch::nn::Linear(o.dim, output_dim));
}

TokenEncoder::Encoding TransformerTurnEncoderImpl::encode(const torch::Tensor& input,
                                                          const Packing& packing,
                                                          bool with_states) {
  const auto index = packing.index();  // (N,T)
  const auto rows = PaddedRows::of(index.ge(0), packing.order);
  const auto packed = rows.pack(index);  // a packing goes step by step, rows go one by one
  const auto states = from_slots(
      stack_->forward(from_slots(input.unsqueeze(0), packed), rows).unsqueeze(0), packed.argsort());
  Encoding encoding;
  encoding.vectors = out_(pooled(states, packing)).masked_fill(packing.empty.unsqueeze(1), 0.0);
  if (with_states) encoding.states = out_(states);
  return encoding;
}

/// Shapes   states (P,D) packed; returns (N,D)
torch::Tensor TransformerTurnEncoderImpl::pooled(const torch::Tensor& states,
                                                 const Packing& packing) const {
  if (pool_ == "end") return packing.at_last(states);
  const auto lengths = torch::zeros({packing.rows}, packing.row.options())
                           .index_add(0, packing.row, torch::ones_like(packing.row));
  return states.new_zeros({packing.rows, states.size(1)}).index_add(0, packing.row, states) /
         lengths.clamp_min(1).unsqueeze(1);
}

}  // namespace banter::models
