#include "models/transformer_model.h"

#include <span>
#include <utility>

#include "models/layers/context_rows.h"
#include "models/layers/row_attention.h"

namespace banter::models {
namespace {

/// Parts of TransformerModel's Memory, one row a reply; the keys and the values (B,J,D) of each
/// layer stand behind them.
enum MemoryPart : std::size_t {
  kSource,  ///< (B,J) int64: place in [facts; context] of each row + 1, 0 = padding
  kPlaces,  ///< (B,U): zeros; its width is the number of sources
  kKeysValues,
};

/// Parts of its State, one row a sequence; the slots (N,C,D) of each layer stand behind them.
enum StatePart : std::size_t {
  kLength,  ///< (N) int64: tokens read
  kSlots,
};

constexpr const char* kAttention = "cross";

}  // namespace

void TransformerModel::register_embedding(const TransformerOptions& o, bool speakers) {
  // Dropout comes when the token's place is known.
  embedding_ = register_module(
      "embedding", TurnEmbedding(vocabulary().size, vocabulary().special.pad, o.dim, speakers, 0));
}

void TransformerModel::register_decoder(const TransformerOptions& o, std::int64_t layers,
                                        bool tied) {
  decoder_ = register_module("decoder", TransformerStack(o, layers, /*reads_memory=*/true));
  output_ = register_module("output", tied ? OutputLayer(o.dim, embedding_->table())
                                           : OutputLayer(o.dim, vocabulary().size));
}

// ---- teacher forcing --------------------------------------------------------------------------

std::vector<LossSum> TransformerModel::losses(const data::Batch& batch) {
  const auto [sources, labels, inputs] = read(batch);
  const auto states = decoder_->forward(inputs, labels, sources.vectors, sources.rows).vectors;
  return {{"nll", output_->nll_sum(states, labels.pack(batch.labels)), labels.tokens()}};
}

Score TransformerModel::score(const data::Batch& batch, bool with_attention) {
  const auto [sources, labels, inputs] = read(batch);
  const auto seen =
      decoder_->forward(inputs, labels, sources.vectors, sources.rows, with_attention);
  const auto fit = output_->fit(seen.vectors, labels.pack(batch.labels));
  Score score{-labels.unpack(fit.nll), labels.unpack(fit.correct), {}};
  if (with_attention) {
    const auto source =
        sources.rows.align(sources.source + 1).index_select(0, labels.row);  // (P,J)
    score.attention.push_back(
        {kAttention, labels.unpack(summed_by_source(seen.weights, source, sources.places))});
  }
  return score;
}

// ---- decoding ---------------------------------------------------------------------------------

Memory TransformerModel::compose(const Kept& kept, const torch::Tensor& context,
                                 const torch::Tensor& facts,
                                 const torch::Tensor& /*reply_speaker*/) {
  const auto sources = read_kept(kept, context, facts);
  const auto B = context.size(0);
  Memory memory;
  memory.parts = {sources.rows.align(sources.source + 1),
                  sources.vectors.new_zeros({B, sources.places})};
  for (const auto& [keys, values] : decoder_->read_memory(sources.vectors)) {
    memory.parts.push_back(sources.rows.align(keys));
    memory.parts.push_back(sources.rows.align(values));
  }
  return memory;
}

Memory TransformerModel::select_memory(const Memory& memory, const torch::Tensor& index) const {
  const auto source = memory.parts.at(kSource).index_select(0, index);
  const auto J = source.ne(0).sum(1).max().item<std::int64_t>();  // a row's tokens stand in front
  Memory narrow = memory;
  for (std::size_t part = 0; part < narrow.parts.size(); ++part)
    if (part != kPlaces) narrow.parts[part] = memory.parts[part].narrow(1, 0, J);
  return {narrow.select(index)};
}

State TransformerModel::start(std::int64_t /*pass*/, const Memory& memory,
                              const torch::Tensor& memory_row) {
  const auto N = memory_row.size(0);
  State state{memory_row, Rows{{torch::zeros({N}, memory_row.options())}}};
  for (auto part = memory.parts.begin() + kKeysValues; part != memory.parts.end(); ++part)
    state.rows.parts.push_back(part->new_zeros({N, 0, part->size(2)}));
  return state;
}

StepOutput TransformerModel::step(const torch::Tensor& ids, const Memory& memory, State state) {
  const auto& row = state.memory_row;
  const auto source = memory.parts.at(kSource).index_select(0, row);  // (N,J)
  const auto J = source.size(1);
  const auto index =
      (row.unsqueeze(1) * J + torch::arange(J, row.options())).masked_fill(source.eq(0), -1);
  std::vector<KeysValues> read;
  for (auto part = memory.parts.begin() + kKeysValues; part != memory.parts.end(); part += 2)
    read.push_back({part->flatten(0, 1), (part + 1)->flatten(0, 1)});
  const auto& parts = state.rows.parts;
  const auto stepped = decoder_->step(embedding_(ids), parts.at(kLength),
                                      std::span(parts).subspan(kSlots), read, index);
  StepOutput out;
  out.logits = output_->logits(stepped.vectors);
  out.attention.push_back(
      {kAttention, summed_by_source(stepped.weights, source, memory.parts.at(kPlaces).size(1))});
  out.state = {row, Rows{{parts.at(kLength) + 1}}};
  for (const auto& slots : stepped.slots) out.state.rows.parts.push_back(slots);
  return out;
}

}  // namespace banter::models
