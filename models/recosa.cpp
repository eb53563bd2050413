#include "models/recosa.h"

#include "models/layers/encoder.h"
#include "models/layers/transformer/turn_encoder.h"

namespace banter::models {

RecosaOptions RecosaOptions::from(configs::Section& section) {
  RecosaOptions o;
  o.read(section);
  o.encoder = section.choice("encoder", o.encoder, {"gru", "transformer"});
  o.pool = section.choice("pool", o.pool, {"mean", "end"});
  o.encoder_layers = section.get("encoder_layers", o.encoder_layers);
  o.turn_layers = section.get("turn_layers", o.turn_layers);
  o.decoder_layers = section.get("decoder_layers", o.decoder_layers);
  o.tied = section.get("tied", o.tied);
  o.speakers = section.get("speakers", o.speakers);
  const auto check_layers = [&](std::int64_t layers, std::string_view key) {
    section.check(layers >= 1 && layers <= kMostLayers, key, "1 to " + std::to_string(kMostLayers));
  };
  check_layers(o.encoder_layers, "encoder_layers");
  check_layers(o.turn_layers, "turn_layers");
  check_layers(o.decoder_layers, "decoder_layers");
  section.check(o.pool == RecosaOptions{}.pool || o.encoder == "transformer", "pool",
                "left out unless encoder is transformer: a GRU's last state is the turn's vector");
  return o;
}

Recosa::Recosa(const RecosaOptions& o, const Vocabulary& vocabulary)
    : TransformerModel(vocabulary), options(o) {
  register_embedding(o, o.speakers);
  dropout_ = register_module("dropout", torch::nn::Dropout(o.dropout));
  if (o.encoder == "transformer") {
    encoder_ = register_module("encoder", std::make_shared<TransformerTurnEncoderImpl>(
                                              o, o.encoder_layers, o.dim, o.pool));
  } else {
    encoder_ = register_module(
        "encoder",
        std::make_shared<EncoderImpl>(o.dim, o.dim, /*bidirectional=*/false, o.encoder_layers));
  }
  TransformerOptions over_turns = o;
  over_turns.scale_embedding = false;  // a turn's vector is no row of a table
  turns_ =
      register_module("turns", TransformerStack(over_turns, o.turn_layers, /*reads_memory=*/false));
  register_decoder(o, o.decoder_layers, o.tied ? embedding_->table() : torch::Tensor());
}

/// Shapes   vectors (M,D) of different turns
TransformerModel::Sources Recosa::read_turns(const torch::Tensor& vectors,
                                             const torch::Tensor& context,
                                             const torch::Tensor& facts) {
  const auto index = torch::cat({facts, context}, 1);  // (B,U)
  Sources sources;
  sources.rows = PaddedRows::of(index.ge(0), longest_first(index.ge(0)));
  sources.places = index.size(1);
  sources.source = sources.rows.place - sources.rows.row * sources.places;
  const auto turns = vectors.index_select(0, sources.rows.pack(index));
  sources.vectors = turns_->forward(turns, sources.rows);
  return sources;
}

TransformerModel::Read Recosa::read(const data::Batch& batch) {
  const auto turns = make_packing(batch.turn_keep);
  Read read;
  const auto order = longest_first(torch::cat({batch.facts, batch.context}, 1).ge(0));
  read.labels = PaddedRows::of(batch.labels.ge(0), order);
  const auto [tokens, inputs] =
      embedding_->of_both(turns.pack(batch.turn_ids), batch.turn_speaker.index_select(0, turns.row),
                          read.labels.pack(batch.decoder_input));
  const auto vectors = encoder_->encode(dropout_(tokens), turns, /*with_states=*/false).vectors;
  read.sources = read_turns(vectors, batch.context, batch.facts);
  read.inputs = inputs;
  return read;
}

Kept Recosa::encode_turns(const data::Batch& batch) {
  const auto turns = make_packing(batch.turn_keep);
  const auto embedded = embedding_->of_turns(turns.pack(batch.turn_ids),
                                             batch.turn_speaker.index_select(0, turns.row));
  return {{{encoder_->encode(dropout_(embedded), turns, /*with_states=*/false).vectors}}};
}

TransformerModel::Sources Recosa::read_kept(const Kept& kept, const torch::Tensor& context,
                                            const torch::Tensor& facts) {
  return read_turns(kept.parts.at(0), context, facts);
}

}  // namespace banter::models
