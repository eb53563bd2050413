#include "models/layers/transformer/multi_head_attention.h"

#include <utility>
#include <vector>

namespace banter::models {

MultiHeadAttentionImpl::MultiHeadAttentionImpl(const AttentionOptions& o,
                                               std::shared_ptr<Positions> positions)
    : heads_(o.heads), positions_(std::move(positions)) {
  const auto add = [&](const std::string& name, ProjectionRole role) {
    return register_module(name, make_projection(o.projections, role, o.dim, o.dim));
  };
  query_ = add("query", ProjectionRole::kQuery);
  key_ = add("key", ProjectionRole::kKey);
  value_ = add("value", ProjectionRole::kValue);
  output_ = add("output", ProjectionRole::kOutput);
}

/// Shapes   x (P,D) -> (P,D)
torch::Tensor MultiHeadAttentionImpl::placed(const torch::Tensor& x, const Places& places) {
  if (!positions_) return x;
  const auto D = x.size(1);
  return positions_->applied_to(x.view({-1, heads_, D / heads_}), places).view({-1, D});
}

torch::Tensor MultiHeadAttentionImpl::forward(const torch::Tensor& x, const KeysValues& memory,
                                              const AttentionRows& rows, bool causal,
                                              const Places& places) {
  const auto queries = placed(query_->forward(x), places).split_with_sizes(rows.tokens);
  const auto keys = memory.keys.split_with_sizes(rows.memory_tokens);
  const auto values = memory.values.split_with_sizes(rows.memory_tokens);
  std::vector<torch::Tensor> seen;
  for (std::size_t i = 0; i < rows.groups.size(); ++i) {
    const auto& group = rows.groups[i];
    const auto memory_in_slots = [&](const torch::Tensor& part) {
      return to_slots(part, group.memory_slots, group.rows, group.memory_width);
    };
    // Behind a row's end there is nothing that a causal query could reach.
    const auto out = grouped_attention(to_slots(queries[i], group.slots, group.rows, group.width),
                                       memory_in_slots(keys[i]), memory_in_slots(values[i]),
                                       causal ? torch::Tensor() : group.keep, causal, heads_);
    seen.push_back(from_slots(out, group.slots));
  }
  return output_->forward(seen.empty() ? torch::zeros_like(x) : torch::cat(seen));
}

MultiHeadAttentionImpl::Step MultiHeadAttentionImpl::step(const torch::Tensor& x,
                                                          const StepSlots& slots,
                                                          const torch::Tensor& keys,
                                                          const torch::Tensor& values) {
  const auto read = read_step(x, slots.places);
  Step step{
      .vectors = {}, .keys = slots.put(keys, read.keys), .values = slots.put(values, read.values)};
  const KeysValues all{step.keys.flatten(0, 1), step.values.flatten(0, 1)};
  step.vectors = look(x, all, slots.index, slots.places).vectors;
  return step;
}

KeysValues MultiHeadAttentionImpl::read(const torch::Tensor& memory, const Places& places) {
  return {placed(key_->forward(memory), places), value_->forward(memory)};
}

KeysValues MultiHeadAttentionImpl::read_step(const torch::Tensor& x, const Places& places) {
  return {placed(key_->step(x), places), value_->step(x)};
}

DotAttention MultiHeadAttentionImpl::look(const torch::Tensor& x, const KeysValues& memory,
                                          const torch::Tensor& index, const Places& places) {
  auto seen =
      dot_attention(placed(query_->step(x), places), memory.keys, memory.values, index, heads_);
  seen.vectors = output_->step(seen.vectors);
  return seen;
}

}  // namespace banter::models
