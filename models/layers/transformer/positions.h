#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "models/layers/transformer/places.h"

namespace banter::models {

/// How attention learns where a token stands: by what is added to its vector, or by what is done to
/// its q and k in every self-attention. More kinds: a class in a file of its own, and its row in
/// positions.cpp.
class Positions : public torch::nn::Module {
 public:
  /// Shapes   x (P,D) -> (P,D)
  virtual torch::Tensor added_to(const torch::Tensor& x, const Places& /*places*/) { return x; }
  /// What stands for a q or k where they are compared. Each row by itself: what it gets does not
  /// depend on the other rows. Shapes   x (P,A,hd) -> (P,A,hd)
  virtual torch::Tensor applied_to(const torch::Tensor& x, const Places& /*places*/) { return x; }
};

struct PositionsOptions {
  std::int64_t dim = 256;    ///< D
  std::int64_t heads = 4;    ///< A, divides dim
  std::int64_t most = 1024;  ///< places of `learned`; tokens behind the last one share it
  std::int64_t offset = 0;   ///< rows of the table of `learned` before that of place 0
};

/// Throws   base::ConfigError on an unknown kind
std::shared_ptr<Positions> make_positions(std::string_view kind, const PositionsOptions& options);

/// The known kinds, sorted.
std::vector<std::string> positions_kinds();

}  // namespace banter::models
