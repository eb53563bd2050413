#pragma once

#include <cstdint>
#include <vector>

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
  StepOutput step_features(const torch::Tensor& ids, const Memory& memory, State state) override;
  [[nodiscard]] OutputLayerImpl* step_output_layer() override { return output_.get(); }
  [[nodiscard]] Memory select_memory(const Memory& memory, const torch::Tensor& index) const final;

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

  /// What comes out of the decoder in a step, and what it keeps.
  struct Decoded {
    torch::Tensor vectors;             ///< (N,D)
    Attention attention;               ///< (N,U)
    std::vector<torch::Tensor> parts;  ///< those of the next State
  };

  explicit TransformerModel(const Vocabulary& vocabulary) : DialogueModel(vocabulary) {}
  /// Registers the embedding, before a model's own modules; `register_decoder` follows them.
  void register_embedding(const TransformerOptions& options, bool speakers);
  /// `tied_to`: the table (V,D) that the output layer's matrix is, or undefined.
  void register_decoder(const TransformerOptions& options, std::int64_t layers,
                        const torch::Tensor& tied_to);

  /// The memory of B replies. A model may put more parts behind its `memory_parts`.
  Memory memory_of(const Sources& sources, std::int64_t B);
  [[nodiscard]] std::size_t memory_parts() const;
  /// A state has so many parts, of which the first is the number (N) of tokens read; a model may
  /// put more behind them.
  [[nodiscard]] std::size_t state_parts() const;
  /// Shapes   x (N,D) token vectors
  Decoded decode(const torch::Tensor& x, const Memory& memory, const State& state);
  /// The decoder's vectors of all tokens of some rows, bit for bit those of `decode` one after the
  /// other. Shapes   x (P,D) packed as `rows`, row b of which reads row b of `memory`
  torch::Tensor decode_all(const torch::Tensor& x, const PaddedRows& rows, const Memory& memory);
  /// Weights over a memory's rows, as those of sources, and of tokens where rows are
  /// `attended_tokens`. Shapes   weights, source (N,J), the latter int64: place + 1, 0 = padding
  [[nodiscard]] Attention attention_of(const char* name, const torch::Tensor& weights,
                                       const torch::Tensor& source, const Memory& memory) const;
  /// Takes off the padding that no row of `index` (N) needs, from all parts that have some.
  virtual void narrow(Memory& memory, const torch::Tensor& index) const;
  /// The same of parts `first` to `end`, which are padded where part `source` (B,J) is 0.
  static void narrow_parts(Memory& memory, std::size_t source, std::size_t first, std::size_t end,
                           const torch::Tensor& index);

  /// How well packed labels fit, without attention. Shapes   vectors (P,D)
  static Score fit(OutputLayer& output, const torch::Tensor& vectors, const PaddedRows& labels,
                   const data::Batch& batch);
  /// Weights (P,J) of packed tokens over `rows`, each of which came from a place of `source` (R),
  /// as those of `places` sources. Shapes   weights of the result (B,S,U)
  static Attention attention_of(const char* name, const torch::Tensor& weights,
                                const PaddedRows& labels, const PaddedRows& rows,
                                const torch::Tensor& source, std::int64_t places);

  virtual Read read(const data::Batch& batch) = 0;
  /// Shapes   context (B,U), facts (B,F) rows of `kept`, -1 = none
  virtual Sources read_kept(const Kept& kept, const torch::Tensor& context,
                            const torch::Tensor& facts) = 0;

  static constexpr const char* kCross = "cross";  ///< attention to the sources

  TurnEmbedding embedding_{nullptr};
  TransformerStack decoder_{nullptr};
  OutputLayer output_{nullptr};

 private:
  /// What the decoder looks at for sequences that read rows `row` (N) of a memory.
  [[nodiscard]] Looked looked(const Memory& memory, const torch::Tensor& row) const;
};

}  // namespace banter::models
