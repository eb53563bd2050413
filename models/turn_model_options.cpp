#include "models/turn_model_options.h"

#include <string>

namespace banter::models {

void TurnModelOptions::read(configs::Section& section) {
  RecurrentOptions::read(section);
  const TurnModelOptions defaults;
  encoder = section.choice("encoder", encoder, {"gru", "transformer"});
  pool = section.choice("pool", pool, {"mean", "end"});
  encoder_layers = section.get("encoder_layers", encoder_layers);
  heads = section.get("heads", heads);
  ffn_dim = section.get("ffn_dim", ffn_dim);
  if (encoder == "transformer") {
    section.check(!bidirectional, "bidirectional",
                  "false where encoder is transformer: self-attention reads both ways");
    section.check(encoder_layers >= 1 && encoder_layers <= kMostLayers, "encoder_layers",
                  "1 to " + std::to_string(kMostLayers));
    section.check(heads > 0 && embed_dim % heads == 0, "heads",
                  "positive, and a divisor of embed_dim");
    section.check(ffn_dim > 0, "ffn_dim", "positive");
  } else {
    const auto needs_transformer = "left out unless encoder is transformer";
    section.check(pool == defaults.pool, "pool", needs_transformer);
    section.check(encoder_layers == defaults.encoder_layers, "encoder_layers", needs_transformer);
    section.check(heads == defaults.heads, "heads", needs_transformer);
    section.check(ffn_dim == defaults.ffn_dim, "ffn_dim", needs_transformer);
  }
}

TransformerOptions TurnModelOptions::of_transformer() const {
  TransformerOptions o;
  o.dim = embed_dim;
  o.heads = heads;
  o.ffn_dim = ffn_dim;
  o.dropout = dropout;
  return o;
}

}  // namespace banter::models
