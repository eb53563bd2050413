#include "models/turn_model.h"

#include <utility>

#include "models/label_losses.h"
#include "models/layers/encoder.h"
#include "models/layers/packing.h"
#include "models/layers/shapes.h"
#include "models/layers/transformer/turn_encoder.h"

namespace banter::models {
namespace {

/// Parts of TurnModel's Kept, one row a turn.
enum KeptPart : std::size_t {
  kVectors,  ///< (M,H)
  kStates,   ///< (M,T,H): of its tokens, when they are kept
  kTokens,   ///< (M,T) bool, true = real token
};

}  // namespace

TurnModel::TurnModel(const TurnModelOptions& options, const Vocabulary& vocabulary)
    : DialogueModel(vocabulary), sizes_(options) {
  embedding_ = register_module(
      "embedding", TurnEmbedding(vocabulary.size, vocabulary.special.pad, options.embed_dim,
                                 options.speakers, options.embedding_dropout));
  if (options.encoder == "transformer") {
    encoder_ = register_module("encoder", std::make_shared<TransformerTurnEncoderImpl>(
                                              options.of_transformer(), options.encoder_layers,
                                              options.hidden_dim, options.pool));
  } else {
    encoder_ = register_module(
        "encoder", std::make_shared<EncoderImpl>(options.embed_dim, options.hidden_dim,
                                                 options.bidirectional, options.layers));
  }
}

void TurnModel::register_decoder(std::int64_t start_dim, std::int64_t context_dim) {
  const auto H = sizes_.hidden_dim;
  start_ = register_module("start", torch::nn::Linear(start_dim, sizes_.layers * H));
  decoder_ = register_module("decoder", GruStack(sizes_.embed_dim + context_dim, H, sizes_.layers));
  dropout_ =
      register_module("dropout", RowDropout(sizes_.dropout, sizes_.dropout_kind == "locked"));
  output_ = register_module("output", sizes_.tied ? OutputLayer(H, embedding_->table())
                                                  : OutputLayer(H, vocabulary().size));
  step_input_ = register_module("step_input", StepTokens());
}

torch::Tensor TurnModel::embedding_weight() const {
  return decoder_->weight_ih.narrow(1, 0, sizes_.embed_dim);
}

torch::Tensor TurnModel::context_weight() const {
  return decoder_->weight_ih.slice(1, sizes_.embed_dim);
}

// ---- turns ----------------------------------------------------------------------------------

TurnModel::EncodedTurns TurnModel::encode(const data::Batch& batch, const torch::Tensor& embedded,
                                          const Packing& packing) {
  expect_like(batch.turn_keep, batch.turn_ids.sizes(), torch::kBool, "turn_keep (M,T)");
  const auto encoding = encoder_->encode(embedded, packing, keeps_states());
  return {encoding.vectors, encoding.states, keeps_states() ? packing.index() : torch::Tensor()};
}

torch::Tensor TurnModel::embedded(const data::Batch& batch, const Packing& packing) {
  const auto tokens = embedding_->of_turns(packing.pack(batch.turn_ids),
                                           batch.turn_speaker.index_select(0, packing.row));
  return dropout_(tokens, packing);
}

std::pair<torch::Tensor, torch::Tensor> TurnModel::embedded(const data::Batch& batch,
                                                            const Packing& turns,
                                                            const Packing& labels) {
  const auto [tokens, inputs] =
      embedding_->of_both(turns.pack(batch.turn_ids), batch.turn_speaker.index_select(0, turns.row),
                          labels.pack(batch.decoder_input));
  const auto dropped = dropout_(tokens, turns);  // drawn first
  return {dropped, dropout_(inputs, labels)};
}

Kept TurnModel::encode_turns(const data::Batch& batch) {
  const auto packing = make_packing(batch.turn_keep);
  const auto turns = encode(batch, embedded(batch, packing), packing);
  if (!keeps_states()) return {{{turns.vectors}}};
  return {{{turns.vectors, packing.unpack(turns.states), batch.turn_keep}}};
}

// ---- teacher forcing --------------------------------------------------------------------------

RecurrentStates TurnModel::run_decoder(const Sources& sources, const torch::Tensor& gates,
                                       const Packing& labels) {
  return {decoder_->run(gates, sources.start, labels), {}};
}

RecurrentStates TurnModel::decode(const Sources& sources, const torch::Tensor& inputs,
                                  const Packing& labels) {
  auto gates = torch::addmm(decoder_->bias_ih, inputs, embedding_weight().t());  // (P,3H)
  if (sources.gates.defined()) gates = gates + sources.gates.index_select(0, labels.row);
  return run_decoder(sources, gates, labels);
}

std::vector<LossSum> TurnModel::losses(const data::Batch& batch) {
  const auto turns = make_packing(batch.turn_keep);
  const auto labels = make_packing(batch.labels.ge(0));
  const auto [tokens, inputs] = embedded(batch, turns, labels);
  const auto read = sources(encode(batch, tokens, turns), batch.context, batch.facts);
  const auto states = dropout_(decode(read, inputs, labels).states, labels);
  return label_losses("nll", output_, states, labels.pack(batch.labels), labels.places());
}

Score TurnModel::score(const data::Batch& batch, bool with_attention) {
  const auto turns = make_packing(batch.turn_keep);
  const auto labels = make_packing(batch.labels.ge(0));
  const auto [tokens, inputs] = embedded(batch, turns, labels);
  const auto read = sources(encode(batch, tokens, turns), batch.context, batch.facts);
  const auto decoded = decode(read, inputs, labels);
  const auto fit = output_->fit(dropout_(decoded.states, labels), labels.pack(batch.labels));
  Score score{-labels.unpack(fit.nll), labels.unpack(fit.correct), {}};
  if (!with_attention) return score;
  if (read.static_weights.defined()) {
    const auto kept = batch.labels.ge(0).unsqueeze(2);  // (B,S,1)
    score.attention.push_back(
        {"static", read.static_weights.unsqueeze(1).expand({-1, kept.size(1), -1}) * kept});
  }
  if (decoded.weights.defined())
    score.attention.push_back({"dynamic", labels.unpack(decoded.weights)});
  return score;
}

// ---- decoding ---------------------------------------------------------------------------------

Memory TurnModel::compose(const Kept& kept, const torch::Tensor& context,
                          const torch::Tensor& facts, const torch::Tensor& /*reply_speaker*/) {
  EncodedTurns turns{kept.parts.at(kVectors), {}, {}};
  if (keeps_states()) {
    const auto own = ContextRows::own(kept.parts.at(kStates).flatten(0, 1), kept.parts.at(kTokens));
    turns.states = own.rows;
    turns.index = own.index;
  }
  return memory_of(sources(turns, context, facts));
}

Memory TurnModel::memory_of(const Sources& sources) const {
  const auto none = sources.start.new_empty({sources.start.size(0), 0});
  Memory memory;
  memory.parts = {
      sources.start, sources.gates.defined() ? sources.gates : none,
      sources.static_weights.defined() ? sources.static_weights : none,
      sources.static_words.defined()
          ? token_weights(sources.static_weights, sources.static_words, sources.static_index)
          : none};
  return memory;
}

State TurnModel::start(std::int64_t /*pass*/, const Memory& memory,
                       const torch::Tensor& memory_row) {
  return {memory_row, Rows{{memory.parts.at(kStart).index_select(0, memory_row)}}};
}

torch::Tensor TurnModel::gates_of_step(const torch::Tensor& gates, const Memory& /*memory*/,
                                       const State& /*state*/,
                                       std::vector<Attention>& /*attention*/) {
  return gates;
}

StepOutput TurnModel::step_features(const torch::Tensor& ids, const Memory& memory, State state) {
  const auto& row = state.memory_row;
  const auto weight = embedding_weight();
  auto gates = is_training()
                   ? torch::linear(dropout_->of_values(embedding_(ids)), weight, decoder_->bias_ih)
                   : step_input_->forward(ids, embedding_->table(), weight, decoder_->bias_ih);
  StepOutput out;
  if (memory.parts.at(kStaticWeights).size(1) > 0) {
    out.attention.push_back({"static", memory.parts[kStaticWeights].index_select(0, row)});
    if (const auto& tokens = memory.parts.at(kStaticTokens); tokens.size(1) > 0)
      out.attention.back().of_tokens = [tokens, row] { return tokens.index_select(0, row); };
  }
  if (memory.parts.at(kGates).size(1) > 0)
    gates = gates + memory.parts[kGates].index_select(0, row);
  gates = gates_of_step(gates, memory, state, out.attention);
  auto& s = state.rows.parts.at(0);
  s = decoder_->step(gates, s);
  out.features = dropout_->of_values(decoder_->top(s));
  out.state = std::move(state);
  return out;
}

}  // namespace banter::models
