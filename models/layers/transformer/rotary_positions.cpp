#include "models/layers/transformer/rotary_positions.h"

namespace banter::models {

torch::Tensor RotaryPositions::applied_to(const torch::Tensor& x, const Places& places) {
  const auto angles = angles_.at(places, x).unsqueeze(1).chunk(2, -1);  // (P,1,hd/2) each
  const auto &sine = angles[0], &cosine = angles[1];
  const auto halves = x.chunk(2, -1);
  const auto &u = halves[0], &v = halves[1];
  return torch::cat({u * cosine - v * sine, v * cosine + u * sine}, -1);
}

}  // namespace banter::models
