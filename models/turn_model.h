#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "models/dialogue_model.h"
#include "models/layers/context_rows.h"
#include "models/layers/gru.h"
#include "models/layers/gru_stack.h"
#include "models/layers/output_layer.h"
#include "models/layers/row_dropout.h"
#include "models/layers/step_tokens.h"
#include "models/layers/token_encoder.h"
#include "models/layers/token_rows.h"
#include "models/layers/turn_embedding.h"
#include "models/turn_model_options.h"

namespace banter::models {

/// What models have in common that make one vector of each turn by itself, so that replies share
/// it and a session keeps it, and that decode by a GRU which is given the context at every token.
///
/// Math     h_i = the encoder's vector of turn i (`TokenEncoder`)
///          s_t = GRU([e(y_{t-1}); c], s_{t-1})      logits_t = W_o s_t + b
///          With more layers s_t is the top one's, and c enters the lowest (`GruStack`).
///          Tied, W_o is the table of e, behind a matrix H -> E where these differ. A model says
///          what s_0 and c are; c may be another one at every token (`run_decoder`,
///          `gates_of_step`).
/// Cost     a c that stays costs nothing a token: it enters the decoder's gates once a reply
class TurnModel : public DialogueModel {
 public:
  Kept encode_turns(const data::Batch& batch) override;
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override;
  std::vector<LossSum> losses(const data::Batch& batch) override;
  Score score(const data::Batch& batch, bool with_attention) override;
  State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) override;
  StepOutput step_features(const torch::Tensor& ids, const Memory& memory, State state) override;
  [[nodiscard]] OutputLayerImpl* step_output_layer() override { return output_.get(); }
  [[nodiscard]] bool has_fixed_step() const override { return true; }

 protected:
  /// What the decoder reads of a batch's turns. Rows are shared by replies through `turns`.
  struct Sources {
    torch::Tensor start;  ///< (B,L*H): s_0 of each layer
    torch::Tensor gates;  ///< (B,3H): what stays of c, in the decoder's gates; or undefined
    torch::Tensor static_weights;  ///< (B,U): over the sources, made once a reply; or undefined
    torch::Tensor static_words;    ///< (B,U,T): those of a source's tokens within it; or undefined
    torch::Tensor static_index;    ///< (B,U,T) int64, -1 = no token, likewise
    // of attention at every token:
    ContextRows turns;     ///< the attended vectors
    torch::Tensor keys;    ///< (R,K): W' of them
    torch::Tensor values;  ///< (R,3H): them in the decoder's gates, when that is linear
    torch::Tensor fixed;   ///< (B,H): what stays of c, when its way into the gates is not linear
    TokenRows words;       ///< with attention over words; `turns` are then those of the queries
  };
  /// Parts of Memory, one row a reply; a model's own ones stand behind them.
  enum MemoryPart : std::size_t {
    kStart,          ///< (B,L*H)
    kGates,          ///< (B,3H), or (B,0)
    kStaticWeights,  ///< (B,U), or (B,0)
    kStaticTokens,   ///< (B,J): the same of single tokens, or (B,0)
    kOwnParts,
  };

  /// The turns of a batch, or those that are kept.
  struct EncodedTurns {
    torch::Tensor vectors;  ///< (M,H)
    torch::Tensor states;   ///< (P,H): of their tokens, when `keeps_states`
    torch::Tensor index;    ///< (M,T) int64 rows of states, -1 = padding, likewise
  };

  /// Registers the embedding and the encoder; the model's own modules follow, then the decoder.
  TurnModel(const TurnModelOptions& options, const Vocabulary& vocabulary);
  /// Shapes   s_0 is made from (B,start_dim), c is (B,context_dim)
  void register_decoder(std::int64_t start_dim, std::int64_t context_dim);

  /// Whether a turn's token states are kept beside its vector.
  [[nodiscard]] virtual bool keeps_states() const { return false; }
  /// Shapes   context (B,U), facts (B,F) rows of the turns, -1 = none
  virtual Sources sources(const EncodedTurns& turns, const torch::Tensor& context,
                          const torch::Tensor& facts) = 0;
  virtual Memory memory_of(const Sources& sources) const;
  /// States after each label's input. Shapes   gates (P,3H): of e(y) and of all of c that stays
  virtual RecurrentStates run_decoder(const Sources& sources, const torch::Tensor& gates,
                                      const Packing& labels);
  /// The gates (N,3H) of a step with what a state adds to c; its weights are added to `attention`.
  /// A state's first part is s_{t-1} (N,L*H); those that a model adds in `start` stay.
  virtual torch::Tensor gates_of_step(const torch::Tensor& gates, const Memory& memory,
                                      const State& state, std::vector<Attention>& attention);

  /// Shapes   embedded (P,E) packed
  EncodedTurns encode(const data::Batch& batch, const torch::Tensor& embedded,
                      const Packing& packing);
  torch::Tensor embedded(const data::Batch& batch, const Packing& packing);  ///< (P,E)
  /// Vectors of the turns' tokens and of the decoder's inputs. Shapes   (P,E), (Q,E) packed
  std::pair<torch::Tensor, torch::Tensor> embedded(const data::Batch& batch, const Packing& turns,
                                                   const Packing& labels);
  /// Shapes   inputs (P,E): vectors of the decoder's inputs, packed
  RecurrentStates decode(const Sources& sources, const torch::Tensor& inputs,
                         const Packing& labels);
  /// The decoder's input matrix where it meets e(y), and where it meets c.
  /// Shapes   (3H,E), (3H,context_dim)
  [[nodiscard]] torch::Tensor embedding_weight() const;
  [[nodiscard]] torch::Tensor context_weight() const;

  TurnEmbedding embedding_{nullptr};
  std::shared_ptr<TokenEncoder> encoder_;
  torch::nn::Linear start_{nullptr};
  GruStack decoder_{nullptr};
  RowDropout dropout_{nullptr};
  OutputLayer output_{nullptr};

 private:
  TurnModelOptions sizes_;
  StepTokens step_input_{nullptr};
};

}  // namespace banter::models
