#pragma once

#include "models/layers/transformer/angle_table.h"
#include "models/layers/transformer/positions.h"

namespace banter::models {

/// Sines and cosines of the place, added to the token's vector: sines in its first half, cosines in
/// its second.
///
/// Source   Vaswani et al. 2017, arXiv:1706.03762, section 3.5; differs: there they alternate; the
///          halves are those of tensor2tensor and Marian
class SinusoidalPositions : public Positions {
 public:
  explicit SinusoidalPositions(const PositionsOptions& options) : angles_(options.dim) {}
  torch::Tensor added_to(const torch::Tensor& x, const Places& places) override {
    return x + angles_.at(places, x);
  }

 private:
  AngleTable angles_;
};

}  // namespace banter::models
