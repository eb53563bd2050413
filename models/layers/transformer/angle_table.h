#pragma once

#include <cstdint>

#include <torch/types.h>

#include "models/layers/transformer/places.h"

namespace banter::models {

/// The sines and cosines of places times frequencies, made once for as many places as were asked.
///
/// Math     angle_pm = p * 10000^(-2m/width),  m = 0 .. width/2 - 1; computed in double
/// Source   Vaswani et al. 2017, arXiv:1706.03762, section 3.5
class AngleTable {
 public:
  explicit AngleTable(std::int64_t width) : width_(width) {}

  /// Shapes   returns (P,width): sines, then cosines, of the type and on the device of `like`
  torch::Tensor at(const Places& places, const torch::Tensor& like);

 private:
  std::int64_t width_;
  torch::Tensor table_;  ///< (places,width)
};

}  // namespace banter::models
