#include "models/transformer_model.h"

#include <span>
#include <utility>

#include "models/label_losses.h"
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

}  // namespace

void TransformerModel::register_embedding(const TransformerOptions& o, bool speakers) {
  embedding_ =
      register_module("embedding", TurnEmbedding(vocabulary().size, vocabulary().special.pad, o.dim,
                                                 speakers, o.embedding_dropout));
}

void TransformerModel::register_decoder(const TransformerOptions& o, std::int64_t layers,
                                        const torch::Tensor& tied_to) {
  decoder_ = register_module("decoder", TransformerStack(o, layers, /*reads_memory=*/true));
  output_ = register_module("output", tied_to.defined() ? OutputLayer(o.dim, tied_to)
                                                        : OutputLayer(o.dim, vocabulary().size));
}

// ---- teacher forcing --------------------------------------------------------------------------

std::vector<LossSum> TransformerModel::losses(const data::Batch& batch) {
  const auto [sources, labels, inputs] = read(batch);
  const auto states = decoder_->forward(inputs, labels, sources.vectors, sources.rows).vectors;
  return label_losses("nll", output_, states, labels.pack(batch.labels), labels.tokens());
}

Score TransformerModel::fit(OutputLayer& output, const torch::Tensor& vectors,
                            const PaddedRows& labels, const data::Batch& batch) {
  const auto fit = output->fit(vectors, labels.pack(batch.labels));
  return {-labels.unpack(fit.nll), labels.unpack(fit.correct), {}};
}

Attention TransformerModel::attention_of(const char* name, const torch::Tensor& weights,
                                         const PaddedRows& labels, const PaddedRows& rows,
                                         const torch::Tensor& source, std::int64_t places) {
  const auto of_tokens = rows.align(source + 1).index_select(0, labels.row);  // (P,J)
  return {name, labels.unpack(summed_by_source(weights, of_tokens, places))};
}

Score TransformerModel::score(const data::Batch& batch, bool with_attention) {
  const auto [sources, labels, inputs] = read(batch);
  const auto seen =
      decoder_->forward(inputs, labels, sources.vectors, sources.rows, with_attention);
  auto score = fit(output_, seen.vectors, labels, batch);
  if (with_attention)
    score.attention.push_back(
        attention_of(kCross, seen.weights, labels, sources.rows, sources.source, sources.places));
  return score;
}

// ---- decoding ---------------------------------------------------------------------------------

std::size_t TransformerModel::memory_parts() const {
  return kKeysValues + 2 * static_cast<std::size_t>(decoder_->layers());
}

std::size_t TransformerModel::state_parts() const {
  return kSlots + 2 * static_cast<std::size_t>(decoder_->layers());
}

Memory TransformerModel::memory_of(const Sources& sources, std::int64_t B) {
  Memory memory;
  memory.parts = {sources.rows.align(sources.source + 1),
                  sources.vectors.new_zeros({B, sources.places})};
  for (const auto& [keys, values] : decoder_->read_memory(sources.vectors)) {
    memory.parts.push_back(sources.rows.align(keys));
    memory.parts.push_back(sources.rows.align(values));
  }
  return memory;
}

Memory TransformerModel::compose(const Kept& kept, const torch::Tensor& context,
                                 const torch::Tensor& facts,
                                 const torch::Tensor& /*reply_speaker*/) {
  return memory_of(read_kept(kept, context, facts), context.size(0));
}

void TransformerModel::narrow_parts(Memory& memory, std::size_t source, std::size_t first,
                                    std::size_t end, const torch::Tensor& index) {
  const auto kept = memory.parts.at(source).index_select(0, index).ne(0);
  const auto J = kept.sum(1).max().item<std::int64_t>();  // a row's tokens stand in front
  memory.parts[source] = memory.parts[source].narrow(1, 0, J);
  for (auto part = first; part < end; ++part)
    memory.parts.at(part) = memory.parts.at(part).narrow(1, 0, J);
}

void TransformerModel::narrow(Memory& memory, const torch::Tensor& index) const {
  narrow_parts(memory, kSource, kKeysValues, memory_parts(), index);
}

Memory TransformerModel::select_memory(const Memory& memory, const torch::Tensor& index) const {
  Memory narrowed = memory;
  narrow(narrowed, index);
  return {narrowed.select(index)};
}

State TransformerModel::start(std::int64_t /*pass*/, const Memory& memory,
                              const torch::Tensor& memory_row) {
  const auto N = memory_row.size(0);
  State state{memory_row, Rows{{torch::zeros({N}, memory_row.options())}}};
  for (std::size_t part = kKeysValues; part < memory_parts(); ++part)
    state.rows.parts.push_back(
        memory.parts.at(part).new_zeros({N, 0, memory.parts.at(part).size(2)}));
  return state;
}

Attention TransformerModel::attention_of(const char* name, const torch::Tensor& weights,
                                         const torch::Tensor& source, const Memory& memory) const {
  Attention attention{name, summed_by_source(weights, source, memory.parts.at(kPlaces).size(1))};
  if (attended_tokens() != AttendedTokens::kNone)
    attention.of_tokens = [weights] { return weights; };
  return attention;
}

Looked TransformerModel::looked(const Memory& memory, const torch::Tensor& row) const {
  const auto keys_values =
      std::span(memory.parts).subspan(kKeysValues, memory_parts() - kKeysValues);
  return Looked::of(keys_values, memory.parts.at(kSource), row);
}

TransformerModel::Decoded TransformerModel::decode(const torch::Tensor& x, const Memory& memory,
                                                   const State& state) {
  const auto& parts = state.rows.parts;
  const auto slots = std::span(parts).subspan(kSlots, state_parts() - kSlots);
  auto stepped = decoder_->step(x, parts.at(kLength), slots, looked(memory, state.memory_row));
  const auto source = memory.parts.at(kSource).index_select(0, state.memory_row);
  Decoded decoded{stepped.vectors, attention_of(kCross, stepped.weights, source, memory), {}};
  decoded.parts = std::move(stepped.slots);
  decoded.parts.insert(decoded.parts.begin(), parts.at(kLength) + 1);
  return decoded;
}

torch::Tensor TransformerModel::decode_all(const torch::Tensor& x, const PaddedRows& rows,
                                           const Memory& memory) {
  return decoder_->all_steps(x, rows, looked(memory, rows.row));
}

StepOutput TransformerModel::step_features(const torch::Tensor& ids, const Memory& memory,
                                           State state) {
  auto decoded = decode(embedding_(ids), memory, state);
  return {.logits = {},
          .attention = {decoded.attention},
          .state = {state.memory_row, Rows{std::move(decoded.parts)}},
          .features = decoded.vectors};
}

}  // namespace banter::models
