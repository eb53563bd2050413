#include "models/transformer.h"

#include <string>

#include "models/kept_ids.h"

namespace banter::models {

FlatTransformerOptions FlatTransformerOptions::from(configs::Section& section) {
  FlatTransformerOptions o;
  o.read(section);
  o.encoder_layers = section.get("encoder_layers", o.encoder_layers);
  o.decoder_layers = section.get("decoder_layers", o.decoder_layers);
  o.tied = section.get("tied", o.tied);
  o.speakers = section.get("speakers", o.speakers);
  const auto rule = "1 to " + std::to_string(kMostLayers);
  section.check(o.encoder_layers >= 1 && o.encoder_layers <= kMostLayers, "encoder_layers", rule);
  section.check(o.decoder_layers >= 1 && o.decoder_layers <= kMostLayers, "decoder_layers", rule);
  return o;
}

FlatTransformer::FlatTransformer(const FlatTransformerOptions& o, const Vocabulary& vocabulary)
    : TransformerModel(vocabulary), options(o) {
  register_embedding(o, o.speakers);
  encoder_ = register_module("encoder", TransformerStack(o, o.encoder_layers,
                                                         /*reads_memory=*/false));
  register_decoder(o, o.decoder_layers, o.tied ? embedding_->table() : torch::Tensor());
}

TransformerModel::Read FlatTransformer::read(const data::Batch& batch) {
  const auto joined = batch.joined(vocabulary().special);
  const auto order = longest_first(joined.keep);
  Read read;
  read.labels = PaddedRows::of(batch.labels.ge(0), order);
  auto& rows = read.sources.rows;
  rows = PaddedRows::of(joined.keep, order);
  const auto [tokens, inputs] = embedding_->of_both(
      rows.pack(joined.ids), rows.pack(joined.speaker), read.labels.pack(batch.decoder_input));
  read.inputs = inputs;
  read.sources.source = rows.pack(joined.source);
  read.sources.places = batch.facts.size(1) + batch.context.size(1);
  read.sources.vectors = encoder_->forward(tokens, rows);
  return read;
}

Kept FlatTransformer::encode_turns(const data::Batch& batch) { return keep_ids(batch); }

TransformerModel::Sources FlatTransformer::read_kept(const Kept& kept, const torch::Tensor& context,
                                                     const torch::Tensor& facts) {
  return read(contexts_of(kept, context, facts)).sources;
}

}  // namespace banter::models
