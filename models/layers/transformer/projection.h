#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace banter::models {

/// What makes the q, k, v or o of an attention out of a token's vector. More kinds: a class in a
/// file of its own, and its row in projection.cpp.
class Projection : public torch::nn::Module {
 public:
  /// Shapes   x (P,I) -> (P,O)
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
  /// The same for a step of decoding: what a row gets does not depend on how many there are.
  virtual torch::Tensor step(const torch::Tensor& x) = 0;
};

/// Which of them a projection makes, for kinds that differ.
enum class ProjectionRole : std::uint8_t { kQuery, kKey, kValue, kOutput };

/// Throws   base::ConfigError on an unknown kind
std::shared_ptr<Projection> make_projection(std::string_view kind, ProjectionRole role,
                                            std::int64_t input_dim, std::int64_t output_dim);

/// The known kinds, sorted.
std::vector<std::string> projection_kinds();

}  // namespace banter::models
