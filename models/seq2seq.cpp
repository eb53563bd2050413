#include "models/seq2seq.h"

#include <utility>

#include "base/random.h"
#include "models/label_losses.h"
#include "models/layers/packing.h"
#include "models/layers/row_attention.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

/// Parts of Seq2Seq's Kept, one row a turn.
enum KeptPart : std::size_t {
  kIds,      ///< (M,T)
  kKept,     ///< (M,T)
  kSpeaker,  ///< (M)
  kStates,   ///< (M,T',H): of its tokens, behind what stood before them; T' <= T
  kLast,     ///< (M,H): behind its end
  kPrefix,   ///< (M) int64: key of it and of what stood before it; 0 = no states yet
};

/// Parts of its Memory, one row a reply.
enum MemoryPart : std::size_t {
  kStart,   ///< (B,L*H)
  kSource,  ///< (B,J) int64: place in [facts; context] of each token + 1, 0 = padding
  kPlaces,  ///< (B,U): zeros; its width is the number of sources
  kKeys,    ///< (B,J,K)
  kValues,  ///< (B,J,3H): the token states in the decoder's gates
};

}  // namespace

Seq2SeqOptions Seq2SeqOptions::from(configs::Section& section) {
  Seq2SeqOptions o;
  o.read(section);
  return o;
}

Seq2Seq::Seq2Seq(const Seq2SeqOptions& o, const Vocabulary& vocabulary)
    : DialogueModel(vocabulary), options(o) {
  const auto H = o.hidden_dim;
  embedding_ =
      register_module("embedding", TurnEmbedding(vocabulary.size, vocabulary.special.pad,
                                                 o.embed_dim, o.speakers, o.embedding_dropout));
  encoder_ = register_module("encoder", Encoder(o.embed_dim, H, o.bidirectional, o.layers));
  attention_ = register_module("attention", AdditiveAttention(H, H, H));
  start_ = register_module("start", torch::nn::Linear(H, o.layers * H));
  decoder_ = register_module("decoder", GruStack(o.embed_dim + H, H, o.layers));
  dropout_ = register_module("dropout", RowDropout(o.dropout, o.dropout_kind == "locked"));
  output_ = register_module(
      "output", o.tied ? OutputLayer(H, embedding_->table()) : OutputLayer(H, vocabulary.size));
  step_input_ = register_module("step_input", StepTokens());
}

Seq2Seq::Read Seq2Seq::read(const data::Batch& batch) {
  Read read{batch.joined(), {}, make_packing(batch.labels.ge(0)), {}, {}};
  const auto& joined = read.joined;
  read.context = make_packing(joined.keep);
  const auto [tokens, inputs] =
      embedding_->of_both(read.context.pack(joined.ids), read.context.pack(joined.speaker),
                          read.labels.pack(batch.decoder_input));
  read.tokens = dropout_(tokens, read.context);
  read.inputs = dropout_(inputs, read.labels);
  return read;
}

Seq2Seq::Encoded Seq2Seq::encode(const data::Batch::Joined& joined, const Packing& packing,
                                 const torch::Tensor& tokens) {
  encoded_tokens_ += packing.places();
  Encoded encoded;
  const auto encoding = encoder_->encode(tokens, packing, /*with_states=*/true);
  encoded.states = encoding.states;
  encoded.start = torch::tanh(start_(encoding.vectors));
  encoded.source = joined.source;
  encoded.index = packing.index();
  return encoded;
}

RecurrentStates Seq2Seq::decode(const Encoded& encoded, const torch::Tensor& inputs,
                                const Packing& labels) {
  // of e(y), of c_t
  const auto weights =
      decoder_->weight_ih.split_with_sizes({options.embed_dim, options.hidden_dim}, 1);
  const auto gates = torch::addmm(decoder_->bias_ih, inputs, weights[0].t());  // (P,3H)
  const auto keys = attention_->keys(encoded.states), values = encoded.states.mm(weights[1].t());
  if (!decoder_->is_single()) {
    const auto index = encoded.index.index_select(0, labels.order);
    return decoder_->run(gates, encoded.start, labels, [&](const torch::Tensor& before) {
      const auto rows = index.narrow(0, 0, before.size(0));
      const auto seen = attention_->look(before, keys, values, rows);
      return std::pair(seen.vectors, seen.weights);
    });
  }
  return gru_recurrence(
      gates, encoded.start, decoder_->weight_hh, decoder_->bias_hh, labels,
      RecurrentAttention{attention_->query_weight, attention_->v, keys, values, encoded.index});
}

std::vector<LossSum> Seq2Seq::losses(const data::Batch& batch) {
  const auto [joined, context, labels, tokens, inputs] = read(batch);
  const auto decoded = decode(encode(joined, context, tokens), inputs, labels);
  const auto states = dropout_(decoded.states, labels);
  return label_losses("nll", output_, states, labels.pack(batch.labels), labels.places());
}

Score Seq2Seq::score(const data::Batch& batch, bool with_attention) {
  const auto [joined, context, labels, tokens, inputs] = read(batch);
  const auto encoded = encode(joined, context, tokens);
  const auto decoded = decode(encoded, inputs, labels);
  const auto fit = output_->fit(dropout_(decoded.states, labels), labels.pack(batch.labels));
  Score score{-labels.unpack(fit.nll), labels.unpack(fit.correct), {}};
  if (with_attention) {
    const auto U = batch.facts.size(1) + batch.context.size(1);
    const auto source = (encoded.source + 1).index_select(0, labels.row);  // (P,J)
    score.attention.push_back(
        {"dynamic", labels.unpack(summed_by_source(decoded.weights, source, U))});
  }
  return score;
}

Kept Seq2Seq::encode_turns(const data::Batch& batch) {
  const auto M = batch.turn_ids.size(0), H = options.hidden_dim;
  const auto floats = start_->weight.options().requires_grad(false);
  return {{{batch.turn_ids, batch.turn_keep, batch.turn_speaker, torch::zeros({M, 0, H}, floats),
            torch::zeros({M, H}, floats), torch::zeros({M}, batch.turn_ids.options())}}};
}

Memory Seq2Seq::compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                        const torch::Tensor& /*reply_speaker*/) {
  data::Batch batch;
  batch.turn_ids = kept.parts.at(kIds);
  batch.turn_keep = kept.parts.at(kKept);
  batch.turn_speaker = kept.parts.at(kSpeaker);
  batch.context = context;
  batch.facts = facts;
  const auto joined = batch.joined();
  const auto packing = make_packing(joined.keep);
  const auto tokens = embedding_->of_turns(packing.pack(joined.ids), packing.pack(joined.speaker));
  return memory_of(encode(joined, packing, dropout_(tokens, packing)),
                   facts.size(1) + context.size(1));
}

Memory Seq2Seq::memory_of(const Encoded& encoded, std::int64_t sources) {
  const auto B = encoded.index.size(0), J = encoded.index.size(1);
  const auto rows = encoded.index.clamp_min(0).flatten();
  const auto per_token = [&](const torch::Tensor& table) {
    return table.index_select(0, rows).view({B, J, table.size(1)});
  };
  const auto weight = decoder_->weight_ih.narrow(1, options.embed_dim, options.hidden_dim);
  Memory memory;
  memory.parts = {encoded.start, encoded.source + 1, encoded.start.new_zeros({B, sources}),
                  per_token(attention_->keys(encoded.states)),
                  per_token(encoded.states.mm(weight.t()))};
  return memory;
}

/// A turn or fact of one context.
struct Seq2Seq::Source {
  std::int64_t column = 0;  ///< in [facts; context]
  std::int64_t row = 0;     ///< of Kept
  std::int64_t tokens = 0;
  std::int64_t key = 0;  ///< of it and of all before it
};

/// Shapes   rows (W) int64, -1 = none
std::vector<Seq2Seq::Source> Seq2Seq::sources_of(const Kept& kept, const torch::Tensor& rows) {
  const auto on_cpu = [](const torch::Tensor& x) { return x.to(torch::kCPU).contiguous(); };
  const auto row_of = on_cpu(rows), ids = on_cpu(kept.parts.at(kIds));
  const auto lengths = on_cpu(kept.parts.at(kKept).sum(1));
  const auto speakers = on_cpu(kept.parts.at(kSpeaker));
  std::vector<Source> sources;
  std::uint64_t key = 0;
  const auto join = [&](std::int64_t part) {
    key = base::join_keys(key, static_cast<std::uint64_t>(part));
  };
  for (std::int64_t column = 0; column < row_of.size(0); ++column) {
    const auto row = row_of.const_data_ptr<std::int64_t>()[column];
    if (row < 0) continue;
    const auto tokens = lengths.const_data_ptr<std::int64_t>()[row];
    join(tokens);
    join(speakers.const_data_ptr<std::int64_t>()[row]);
    const auto* id = ids.const_data_ptr<std::int64_t>() + row * ids.size(1);
    for (std::int64_t t = 0; t < tokens; ++t) join(id[t]);
    sources.push_back({column, row, tokens, static_cast<std::int64_t>(key)});
  }
  return sources;
}

/// Runs the encoder over these sources, behind the state `before` (1,H), and keeps their states.
/// Shapes   returns (P,H)
torch::Tensor Seq2Seq::encode_behind(Kept& kept, std::span<const Source> sources,
                                     const torch::Tensor& before) {
  std::vector<torch::Tensor> ids, speakers;
  for (const auto& source : sources) {
    ids.push_back(kept.parts[kIds][source.row].narrow(0, 0, source.tokens));
    speakers.push_back(kept.parts[kSpeaker].narrow(0, source.row, 1).expand({source.tokens}));
  }
  const auto all_ids = torch::cat(ids);
  const auto keep = torch::ones({1, all_ids.size(0)}, all_ids.options().dtype(torch::kBool));
  const auto packing = make_packing(keep);
  const auto tokens = dropout_(embedding_->of_turns(all_ids, torch::cat(speakers)), packing);
  const auto states = encoder_(tokens, packing, before);  // (P,H)
  encoded_tokens_ += states.size(0);
  std::int64_t at = 0;
  for (const auto& source : sources) {
    kept.parts[kStates][source.row]
        .narrow(0, 0, source.tokens)
        .copy_(states.narrow(0, at, source.tokens));
    at += source.tokens;
    kept.parts[kLast][source.row].copy_(states[at - 1]);
    kept.parts[kPrefix][source.row].fill_(source.key);
  }
  return states;
}

Memory Seq2Seq::compose_next(Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                             const torch::Tensor& reply_speaker) {
  if (options.bidirectional || options.layers > 1)
    return compose(kept, context, facts, reply_speaker);
  const torch::NoGradGuard no_grad;
  const auto rows = torch::cat({facts, context}, 1).squeeze(0);  // (W)
  const auto sources = sources_of(kept, rows);
  auto& states = kept.parts.at(kStates);
  const auto T = kept.parts.at(kIds).size(1);
  if (states.size(1) < T)
    states = torch::cat(
        {states, states.new_zeros({states.size(0), T - states.size(1), states.size(2)})}, 1);

  auto before = states.new_zeros({1, options.hidden_dim});
  std::vector<torch::Tensor> parts = {states.new_zeros({0, options.hidden_dim})};
  std::size_t known = 0;  // sources whose states are kept; copied, for their rows may be written
  for (; known < sources.size(); ++known) {
    const auto& source = sources[known];
    if (kept.parts[kPrefix][source.row].item<std::int64_t>() != source.key) break;
    parts.push_back(states[source.row].narrow(0, 0, source.tokens).clone());
    before = kept.parts[kLast].narrow(0, source.row, 1).clone();
  }
  if (known < sources.size()) {
    parts.push_back(encode_behind(kept, std::span(sources).subspan(known), before));
    before = parts.back().narrow(0, parts.back().size(0) - 1, 1);
  }

  std::vector<std::int64_t> places;
  for (const auto& source : sources)
    places.insert(places.end(), static_cast<std::size_t>(source.tokens), source.column);
  Encoded encoded;
  encoded.states = torch::cat(parts);
  encoded.index = torch::arange(encoded.states.size(0), rows.options()).unsqueeze(0);
  encoded.source = torch::tensor(places, torch::kLong).to(rows.device()).unsqueeze(0);
  encoded.start = torch::tanh(start_(before));
  return memory_of(encoded, rows.size(0));
}

Memory Seq2Seq::select_memory(const Memory& memory, const torch::Tensor& index) const {
  const auto source = memory.parts.at(kSource).index_select(0, index);
  const auto J = source.ne(0).sum(1).max().item<std::int64_t>();  // a row's tokens stand in front
  Memory narrow = memory;
  for (const auto part : {kSource, kKeys, kValues})
    narrow.parts.at(part) = memory.parts.at(part).narrow(1, 0, J);
  return {narrow.select(index)};
}

State Seq2Seq::start(std::int64_t /*pass*/, const Memory& memory, const torch::Tensor& memory_row) {
  return {memory_row, Rows{{memory.parts.at(kStart).index_select(0, memory_row)}}};
}

StepOutput Seq2Seq::step_features(const torch::Tensor& ids, const Memory& memory, State state) {
  const auto& states = state.rows.parts.at(0);  // (N,L*H)
  const auto before = decoder_->top(states);    // (N,H)
  const auto& row = state.memory_row;
  const auto source = memory.parts.at(kSource).index_select(0, row);  // (N,J)
  const auto J = source.size(1);
  const auto index =
      (row.unsqueeze(1) * J + torch::arange(J, row.options())).masked_fill(source.eq(0), -1);
  const auto [a, seen] = attention_->look(before, memory.parts.at(kKeys).flatten(0, 1),
                                          memory.parts.at(kValues).flatten(0, 1), index);
  const auto weight = decoder_->weight_ih.narrow(1, 0, options.embed_dim);
  const auto tokens =
      is_training() ? torch::linear(dropout_->of_values(embedding_(ids)), weight, decoder_->bias_ih)
                    : step_input_->forward(ids, embedding_->table(), weight, decoder_->bias_ih);
  const auto gates = tokens + seen;
  const auto next = decoder_->step(gates, states);
  StepOutput out;
  out.features = dropout_->of_values(decoder_->top(next));
  out.attention.push_back({"dynamic", summed_by_source(a, source, memory.parts.at(kPlaces).size(1)),
                           [a = a] { return a; }});
  state.rows.parts[0] = next;
  out.state = std::move(state);
  return out;
}

}  // namespace banter::models
