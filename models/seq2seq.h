#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/dialogue_model.h"
#include "models/layers/additive_attention.h"
#include "models/layers/encoder.h"
#include "models/layers/gru.h"
#include "models/layers/gru_stack.h"
#include "models/layers/output_layer.h"
#include "models/layers/packing.h"
#include "models/layers/row_dropout.h"
#include "models/layers/step_tokens.h"
#include "models/layers/turn_embedding.h"
#include "models/recurrent_options.h"

namespace banter::models {

struct Seq2SeqOptions : RecurrentOptions {
  static Seq2SeqOptions from(configs::Section& section);
};

/// The flat baseline: one GRU over facts and turns joined by the turn-end symbol, and a GRU decoder
/// with additive attention over the context's tokens.
///
/// Math     q_j = the encoder's state of joined token j, q its vector of them all (`Encoder`)
///          s_0 = tanh(W_0 q + b_0)
///          a_t = softmax_j v^T tanh(W q_j + Q s_{t-1})              c_t = sum_j a_tj q_j
///          s_t = GRU([e(y_{t-1}); c_t], s_{t-1})                    logits = W_o s_t + b
///          With more layers s_t is the top one's, and c_t enters the lowest (`GruStack`)
/// Source   Sutskever et al. 2014, arXiv:1409.3215; attention of Bahdanau et al. 2015,
///          arXiv:1409.0473, queried by the state before; differs: GRU; one direction unless asked
class Seq2Seq : public DialogueModel {
 public:
  Seq2Seq(const Seq2SeqOptions& options, const Vocabulary& vocabulary);

  /// Turns are kept as ids: the encoder runs over a reply's whole context in `compose`.
  Kept encode_turns(const data::Batch& batch) override;
  /// False where `compose_next` begins anew.
  [[nodiscard]] bool encodes_turns() const override {
    return !options.bidirectional && options.layers == 1;
  }
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override;
  /// Encodes only what stands behind the sources whose states are kept: with them, a row keeps its
  /// tokens' states and a key of itself and all that stood before it. A row that stands in a
  /// context twice keeps the last of its places. Bidirectional, every state has read what is new;
  /// then, and with layers, whose states are not kept, all is encoded again.
  Memory compose_next(Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                      const torch::Tensor& reply_speaker) override;
  std::vector<LossSum> losses(const data::Batch& batch) override;
  Score score(const data::Batch& batch, bool with_attention) override;
  State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) override;
  StepOutput step_features(const torch::Tensor& ids, const Memory& memory, State state) override;
  [[nodiscard]] OutputLayerImpl* step_output_layer() override { return output_.get(); }
  [[nodiscard]] bool has_fixed_step() const override { return true; }
  [[nodiscard]] AttendedTokens attended_tokens() const override { return AttendedTokens::kOfTurns; }
  [[nodiscard]] Memory select_memory(const Memory& memory,
                                     const torch::Tensor& index) const override;

  /// Context tokens that the encoder has read so far.
  [[nodiscard]] std::int64_t encoded_tokens() const { return encoded_tokens_; }

  const Seq2SeqOptions options;

 private:
  /// The encoded contexts of a batch.
  struct Encoded {
    torch::Tensor states;  ///< (Q,H): of the packed context tokens
    torch::Tensor index;   ///< (B,J) rows of `states`, -1 = padding
    torch::Tensor source;  ///< (B,J): place in [facts; context], -1 = padding
    torch::Tensor start;   ///< (B,L*H)
  };
  /// What a batch's contexts and replies are, looked up together. Shapes   (Q,E), (P,E) packed
  struct Read {
    data::Batch::Joined joined;
    Packing context, labels;
    torch::Tensor tokens, inputs;
  };
  Read read(const data::Batch& batch);
  /// Shapes   tokens (Q,E) packed
  Encoded encode(const data::Batch::Joined& joined, const Packing& packing,
                 const torch::Tensor& tokens);
  struct Source;
  static std::vector<Source> sources_of(const Kept& kept, const torch::Tensor& rows);
  torch::Tensor encode_behind(Kept& kept, std::span<const Source> sources,
                              const torch::Tensor& before);
  Memory memory_of(const Encoded& encoded, std::int64_t sources);
  /// Shapes   inputs (P,E): vectors of the decoder's inputs, packed
  RecurrentStates decode(const Encoded& encoded, const torch::Tensor& inputs,
                         const Packing& labels);

  TurnEmbedding embedding_{nullptr};
  Encoder encoder_{nullptr};
  AdditiveAttention attention_{nullptr};
  torch::nn::Linear start_{nullptr};
  GruStack decoder_{nullptr};
  RowDropout dropout_{nullptr};
  OutputLayer output_{nullptr};
  StepTokens step_input_{nullptr};
  std::int64_t encoded_tokens_ = 0;
};

}  // namespace banter::models
