#pragma once

#include <cstdint>

#include "models/layers/transformer/positions.h"

namespace banter::models {

/// A vector of its own for each place, added to the token's.
///
/// Source   Gehring et al. 2017, arXiv:1705.03122, section 3.1; the offset is BART's and mBART's
class LearnedPositions : public Positions {
 public:
  explicit LearnedPositions(const PositionsOptions& options);
  torch::Tensor added_to(const torch::Tensor& x, const Places& places) override;

 private:
  torch::nn::Embedding table_{nullptr};  ///< (offset + most, D)
  std::int64_t offset_, last_;
};

}  // namespace banter::models
