#include "models/nli.h"

#include <string>

#include "models/layers/products.h"

namespace banter::models {
namespace {

/// Pairs as rows of tokens. N pairs of at most J places.
struct Sentences {
  torch::Tensor ids;         ///< (N,J) int64
  torch::Tensor keep;        ///< (N,J) bool
  torch::Tensor is_premise;  ///< (N,J) int64: 1 or 0
};

Sentences sentences_of(const data::Batch& texts) {
  const auto fact = texts.facts.select(1, 0);
  const auto premise = texts.turn_ids.index_select(0, fact);  // (N,T)
  const auto has_label = texts.labels.ge(0);
  return {torch::cat({premise, texts.labels.masked_fill(has_label.logical_not(), texts.pad)}, 1),
          torch::cat({texts.turn_keep.index_select(0, fact), has_label}, 1),
          torch::cat({torch::ones_like(premise), torch::zeros_like(texts.labels)}, 1)};
}

/// The mean of each row's tokens that count. Shapes   x (P,D), row (P) int64, counts (P) -> (N,D)
torch::Tensor means(const torch::Tensor& x, const torch::Tensor& row, const torch::Tensor& counts,
                    std::int64_t rows) {
  const auto weight = counts.to(x.scalar_type());
  const auto sums = x.new_zeros({rows, x.size(1)}).index_add(0, row, x * weight.unsqueeze(1));
  const auto sizes = x.new_zeros({rows}).index_add(0, row, weight);
  return sums / sizes.clamp_min(1).unsqueeze(1);
}

}  // namespace

NliOptions NliOptions::from(configs::Section& section) {
  NliOptions o;
  o.read(section);
  o.encoder_layers = section.get("encoder_layers", o.encoder_layers);
  section.check(o.encoder_layers >= 1 && o.encoder_layers <= kMostLayers, "encoder_layers",
                "1 to " + std::to_string(kMostLayers));
  return o;
}

Nli::Nli(const NliOptions& o, const Vocabulary& vocabulary)
    : PairClassifier(vocabulary), options(o) {
  embedding_ =
      register_module("embedding", TurnEmbedding(vocabulary.size, vocabulary.special.pad, o.dim,
                                                 /*speakers=*/false, o.embedding_dropout));
  kind_ = register_module("kind", torch::nn::Embedding(2, o.dim));
  encoder_ = register_module("encoder", TransformerStack(o, o.encoder_layers,
                                                         /*reads_memory=*/false));
  hidden_ = register_module("hidden", torch::nn::Linear(4 * o.dim, o.dim));
  dropout_ = register_module("dropout", torch::nn::Dropout(o.dropout));
  output_ = register_module("output", torch::nn::Linear(o.dim, kLabels));
}

torch::Tensor Nli::logits(const data::PairBatch& pairs) {
  const auto sentences = sentences_of(pairs.texts);
  const auto rows = PaddedRows::of(sentences.keep, longest_first(sentences.keep));
  const auto is_premise = rows.pack(sentences.is_premise);
  const auto x = widened(
      encoder_->forward(embedding_(rows.pack(sentences.ids)) + kind_(is_premise), rows));  // (P,D)
  const auto u = means(x, rows.row, is_premise, pairs.size());
  const auto v = means(x, rows.row, 1 - is_premise, pairs.size());
  const auto features = torch::cat({u, v, (u - v).abs(), u * v}, 1);
  return output_(dropout_(torch::tanh(hidden_(dropout_(features)))));
}

}  // namespace banter::models
