#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/transformer/attention_rows.h"
#include "models/layers/transformer/dot_attention.h"
#include "models/layers/transformer/positions.h"
#include "models/layers/transformer/projection.h"
#include "models/layers/transformer/step_slots.h"

namespace banter::models {

struct AttentionOptions {
  std::int64_t dim = 256;             ///< D, a multiple of heads
  std::int64_t heads = 4;             ///< A
  std::string projections = "dense";  ///< kind of what makes q, k, v and o
};

/// Rows that an attention may look at, as keys and values.
struct KeysValues {
  torch::Tensor keys, values;  ///< (R,D) each
};

/// The one attention of every Transformer here: tokens look at each other or at a memory.
///
/// Math     of each head: softmax(q k^T / sqrt(hd)) v; heads joined, then one projection. q, k, v
///          are projections of the tokens, with their places in q and k where `positions` say so
/// Source   Vaswani et al. 2017, arXiv:1706.03762, 3.2.2; differs: no dropout on the weights (it
///          would leave the fused path); a query with nothing to see gets the output's bias
class MultiHeadAttentionImpl : public torch::nn::Module {
 public:
  /// `positions` belong to the stack of layers and are shared by them; none for a memory.
  explicit MultiHeadAttentionImpl(const AttentionOptions& options,
                                  std::shared_ptr<Positions> positions = nullptr);

  /// All tokens at once. Shapes   x (P,D), memory `read` of R tokens, packed as `rows` says;
  /// causal: memory is x, and a token sees itself and those before it. places: of x, where there
  /// are positions. Returns (P,D)
  torch::Tensor forward(const torch::Tensor& x, const KeysValues& memory, const AttentionRows& rows,
                        bool causal, const Places& places = {});

  struct Step {
    torch::Tensor vectors;       ///< (N,D)
    torch::Tensor keys, values;  ///< (N,C,D): with those of the new tokens
  };
  /// One token more in each row, which sees itself and those before it.
  /// Shapes   x (N,D); keys, values (N,C',D) of the tokens before, in their slots
  Step step(const torch::Tensor& x, const StepSlots& slots, const torch::Tensor& keys,
            const torch::Tensor& values);

  /// What is looked at. Shapes   memory (R,D); places: its, where there are positions
  KeysValues read(const torch::Tensor& memory, const Places& places = {});
  /// The same in a step, by products that company does not change.
  KeysValues read_step(const torch::Tensor& x, const Places& places = {});
  /// One query each. Shapes   x (N,D), index (N,U) rows of `read`, -1 = none; places: of x, where
  /// there are positions; returns vectors (N,D) behind the output's projection, weights (N,U)
  DotAttention look(const torch::Tensor& x, const KeysValues& memory, const torch::Tensor& index,
                    const Places& places = {});

 private:
  torch::Tensor placed(const torch::Tensor& x, const Places& places);

  std::int64_t heads_;
  std::shared_ptr<Positions> positions_;
  std::shared_ptr<Projection> query_, key_, value_, output_;
};
TORCH_MODULE(MultiHeadAttention);

}  // namespace banter::models
