#include "models/layers/transformer/learned_positions.h"

namespace banter::models {

LearnedPositions::LearnedPositions(const PositionsOptions& options)
    : offset_(options.offset), last_(options.most - 1) {
  table_ =
      register_module("table", torch::nn::Embedding(options.offset + options.most, options.dim));
}

torch::Tensor LearnedPositions::added_to(const torch::Tensor& x, const Places& places) {
  return x + table_(places.index.clamp_max(last_) + offset_);
}

}  // namespace banter::models
