#include "models/layers/transformer/transformer_options.h"

#include "models/layers/transformer/feed_forward.h"
#include "models/layers/transformer/positions.h"
#include "models/layers/transformer/projection.h"

namespace banter::models {

void TransformerOptions::read(configs::Section& section) {
  const TransformerOptions defaults;
  dim = section.get("dim", dim);
  heads = section.get("heads", heads);
  ffn_dim = section.get("ffn_dim", ffn_dim);
  norm = section.choice("norm", norm, {"pre", "post"});
  final_norm = section.get("final_norm", norm == "pre");
  norm_eps = section.get("norm_eps", norm_eps);
  positions = section.choice("positions", positions, positions_kinds());
  max_positions = section.get("max_positions", max_positions);
  position_offset = section.get("position_offset", position_offset);
  scale_embedding = section.get("scale_embedding", scale_embedding);
  embedding_norm = section.get("embedding_norm", embedding_norm);
  activation = section.choice("activation", activation, activations());
  projections = section.choice("projections", projections, projection_kinds());
  dropout = section.get("dropout", dropout);
  activation_dropout = section.get("activation_dropout", activation_dropout);
  embedding_dropout = section.get("embedding_dropout", embedding_dropout);
  section.check(dim > 0, "dim", "positive");
  section.check(heads > 0 && dim % heads == 0, "heads", "positive, and a divisor of dim");
  section.check(positions != "rope" || dim / heads % 2 == 0, "heads",
                "such that dim / heads is even where positions is rope: pairs are turned");
  section.check(ffn_dim > 0, "ffn_dim", "positive");
  section.check(norm_eps > 0 && norm_eps < 1, "norm_eps", "in (0, 1)");
  section.check(max_positions > 0, "max_positions", "positive");
  section.check(position_offset >= 0, "position_offset", "0 or more");
  section.check(max_positions == defaults.max_positions || positions == "learned", "max_positions",
                "left out unless positions is learned: the others have no table");
  section.check(position_offset == defaults.position_offset || positions == "learned",
                "position_offset", "left out unless positions is learned");
  section.check(dropout >= 0 && dropout < 1, "dropout", "in [0, 1)");
  section.check(activation_dropout >= 0 && activation_dropout < 1, "activation_dropout",
                "in [0, 1)");
  section.check(embedding_dropout >= 0 && embedding_dropout < 1, "embedding_dropout", "in [0, 1)");
}

}  // namespace banter::models
