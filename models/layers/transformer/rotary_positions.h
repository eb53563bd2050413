#pragma once

#include "models/layers/transformer/angle_table.h"
#include "models/layers/transformer/positions.h"

namespace banter::models {

/// q and k turned by angles that grow with the place, so that their product depends on the distance
/// alone.
///
/// Math     of the halves [u; v] of a head:  [u cos - v sin;  v cos + u sin]
/// Source   Su et al. 2021, arXiv:2104.09864, eq. (34); differs: pairs are (m, m + hd/2), as in
///          GPT-NeoX, not neighbours
class RotaryPositions : public Positions {
 public:
  explicit RotaryPositions(const PositionsOptions& options)
      : angles_(options.dim / options.heads) {}
  torch::Tensor applied_to(const torch::Tensor& x, const Places& places) override;

 private:
  AngleTable angles_;
};

}  // namespace banter::models
