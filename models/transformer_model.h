#pragma once

#include <cstdint>

#include "models/dialogue_model.h"
#include "models/layers/output_layer.h"
#include "models/layers/transformer/padded_rows.h"
#include "models/layers/transformer/transformer_stack.h"
#include "models/layers/turn_embedding.h"

namespace banter::models {

/// What models have in common whose decoder is a Transformer that reads the context as rows: tokens
/// or turns, whatever `read` makes of it.
///
/// Math     x_t = the decoder's vector of y_{t-1}, which has seen y_{<t} and all rows of the memory
///          logits_t = W_o x_t + b; tied, W_o is the table of token vectors
/// A state keeps the keys and values of the reply's tokens; a memory those of its rows, by layer.
class TransformerModel : public DialogueModel {
 public:
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override;
  std::vector<LossSum> losses(const data::Batch& batch) override;
  Score score(const data::Batch& batch, bool with_attention) override;
  State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) override;
  StepOutput step(const torch::Tensor& ids, const Memory& memory, State state) override;
  [[nodiscard]] Memory select_memory(const Memory& memory,
                                     const torch::Tensor& index) const override;

 protected:
  /// The contexts of B replies, as the decoder reads them.
  struct Sources {
    torch::Tensor vectors;    ///< (R,D): packed
    PaddedRows rows;          ///< of the replies, longest first
    torch::Tensor source;     ///< (R) int64: place in [facts; context] that a row came from
    std::int64_t places = 0;  ///< U
  };
  /// A batch's contexts and replies; token vectors of both come out of the table at once.
  struct Read {
    Sources sources;
    PaddedRows labels;     ///< in the same order
    torch::Tensor inputs;  ///< (P,D): token vectors of the decoder's inputs
  };

  explicit TransformerModel(const Vocabulary& vocabulary) : DialogueModel(vocabulary) {}
  /// Registers the embedding, before a model's own modules; `register_decoder` follows them.
  void register_embedding(const TransformerOptions& options, bool speakers);
  void register_decoder(const TransformerOptions& options, std::int64_t layers, bool tied);

  virtual Read read(const data::Batch& batch) = 0;
  /// Shapes   context (B,U), facts (B,F) rows of `kept`, -1 = none
  virtual Sources read_kept(const Kept& kept, const torch::Tensor& context,
                            const torch::Tensor& facts) = 0;

  TurnEmbedding embedding_{nullptr};

 private:
  TransformerStack decoder_{nullptr};
  OutputLayer output_{nullptr};
};

}  // namespace banter::models
