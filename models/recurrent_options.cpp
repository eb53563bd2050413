#include "models/recurrent_options.h"

#include <string>

namespace banter::models {

void RecurrentOptions::read(configs::Section& section) {
  embed_dim = section.get("embed_dim", embed_dim);
  hidden_dim = section.get("hidden_dim", hidden_dim);
  dropout = section.get("dropout", dropout);
  dropout_kind = section.choice("dropout_kind", dropout_kind, {"locked", "values"});
  embedding_dropout = section.get("embedding_dropout", embedding_dropout);
  layers = section.get("layers", layers);
  bidirectional = section.get("bidirectional", bidirectional);
  tied = section.get("tied", tied);
  speakers = section.get("speakers", speakers);
  section.check(embed_dim > 0, "embed_dim", "positive");
  section.check(hidden_dim > 0, "hidden_dim", "positive");
  section.check(layers >= 1 && layers <= kMostLayers, "layers",
                "1 to " + std::to_string(kMostLayers));
  section.check(dropout >= 0 && dropout < 1, "dropout", "in [0, 1)");
  section.check(embedding_dropout >= 0 && embedding_dropout < 1, "embedding_dropout", "in [0, 1)");
}

}  // namespace banter::models
