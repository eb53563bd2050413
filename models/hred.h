#pragma once

#include <string>

#include "configs/section.h"
#include "models/dialogue_model.h"
#include "models/layers/additive_attention.h"
#include "models/layers/gru.h"
#include "models/layers/output_layer.h"
#include "models/layers/step_linear.h"
#include "models/layers/turn_embedding.h"

namespace banter::models {

struct HredOptions {
  std::int64_t embed_dim = 256;    ///< width of one token vector, > 0
  std::int64_t hidden_dim = 512;   ///< width of turn vectors and decoder states, > 0
  double dropout = 0.1;            ///< after the embedding and before the output layer, in [0, 1)
  std::string attention = "both";  ///< over the turns: none|static|dynamic|both
  std::string combine = "concat";  ///< of both: concat|sum|weighted|max|mean
  std::string gate = "fixed";      ///< of weighted: fixed (one learned share)|state (one a token)
  std::string static_query = "last";  ///< the turn that static attention asks with: last|first
  bool context_rnn = false;           ///< a GRU over the turn vectors; true when attention is none
  std::string turn_positions = "none";  ///< a vector for a turn's distance: none|learned|sinusoidal
  bool speakers = false;  ///< add a vector for the turn's speaker to each of its tokens

  static HredOptions from(configs::Section& section);
  [[nodiscard]] bool has_static() const { return attention == "static" || attention == "both"; }
  [[nodiscard]] bool has_dynamic() const { return attention == "dynamic" || attention == "both"; }
};

/// Hierarchical recurrent encoder-decoder with static and dynamic attention over the turns.
///
/// Each turn becomes one vector by itself, so replies of a batch share it and a session keeps it.
///
/// Math     h_i = last state of GRU over turn i     g_i = GRU(h_i, g_{i-1}) when `context_rnn`,
///          which then stands for h_i everywhere below
///          static   a = softmax_i v^T tanh(W h_i + Q h_U),        c   = sum_i a_i h_i
///          dynamic  a_t = softmax_i v'^T tanh(W' h_i + Q' s_{t-1}), c_t = sum_i a_ti h_i
///          c_hat = g_U (none), c, c_t, or of both: [c; c_t], c + c_t, lam c + (1-lam) c_t,
///          max(c, c_t), (c + c_t)/2
///          s_t = GRU([e(y_{t-1}); c_hat_t], s_{t-1})   s_0 = tanh(W_0 h_U + b_0)
///          logits_t = W_o s_t + b
/// Source   Serban et al. 2016, arXiv:1507.04808 (HRED); static and dynamic attention: Zhang et al.
///          2018, COLING C18-1206, and arXiv:2410.20766
class Hred : public DialogueModel {
 public:
  Hred(const HredOptions& options, const Vocabulary& vocabulary);

  Kept encode_turns(const data::Batch& batch) override;
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override;
  std::vector<LossSum> losses(const data::Batch& batch) override;
  Score score(const data::Batch& batch, bool with_attention) override;
  State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) override;
  StepOutput step(const torch::Tensor& ids, const Memory& memory, const State& state) override;

  /// How often each attention's weights were made (replies or steps of a batch count once).
  [[nodiscard]] std::int64_t static_calls() const;
  [[nodiscard]] std::int64_t dynamic_calls() const;

  const HredOptions options;

 private:
  /// What the decoder reads of a batch's turns. Rows are shared by replies through `index`.
  struct Sources {
    torch::Tensor index;           ///< (B,U) rows below, -1 = none
    torch::Tensor turns;           ///< (R,H): the attended vectors
    torch::Tensor keys;            ///< (R,K): W' of them, with dynamic attention
    torch::Tensor values;          ///< (R,3H): them in the decoder's gates, when that is linear
    torch::Tensor fixed;           ///< (B,H): c, or g_U; undefined for dynamic
    torch::Tensor fixed_gates;     ///< (B,3H): its part of the decoder's gates, when linear
    torch::Tensor static_weights;  ///< (B,U), or undefined
    torch::Tensor start;           ///< (B,H): s_0
  };
  torch::Tensor turn_vectors(const data::Batch& batch, const torch::Tensor& embedded,
                             const Packing& packing);
  Sources sources(const torch::Tensor& vectors, const torch::Tensor& context,
                  const torch::Tensor& facts);
  /// States after each label's input. Shapes   inputs (P,E) packed -> states (P,H)
  RecurrentStates decode(const Sources& sources, const torch::Tensor& inputs,
                         const Packing& labels);
  /// The same a step at a time, where c_hat depends on c_t in a way that no fixed matrix has.
  RecurrentStates decode_by_step(const Sources& sources, const torch::Tensor& gates,
                                 const Packing& labels);
  /// c_hat where it is not linear in c_t. Shapes   c, c_t, s (N,H) -> (N,H)
  torch::Tensor combined(const torch::Tensor& c, const torch::Tensor& c_t, const torch::Tensor& s);
  /// The columns of the decoder's input matrix that meet e(y), c_hat, and (concat) c_t.
  struct InputWeights {
    torch::Tensor embedding, context, dynamic;  ///< (3H,E), (3H,H), (3H,H)
  };
  [[nodiscard]] InputWeights input_weights() const;
  [[nodiscard]] bool is_linear() const;  ///< c_t enters the gates by a fixed matrix

  TurnEmbedding embedding_{nullptr};
  Gru encoder_{nullptr};
  Gru context_rnn_{nullptr};                      ///< when context_rnn
  torch::nn::Embedding positions_{nullptr};       ///< when turn_positions is learned
  AdditiveAttention static_attention_{nullptr};   ///< when has_static
  AdditiveAttention dynamic_attention_{nullptr};  ///< when has_dynamic
  torch::nn::Linear gate_{nullptr};               ///< of weighted with gate: state
  torch::Tensor share_;                           ///< w of weighted with gate: fixed, scalar
  torch::nn::Linear start_{nullptr};
  Gru decoder_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  OutputLayer output_{nullptr};
  StepLinear step_input_{nullptr}, step_context_{nullptr}, step_gate_{nullptr};
};

}  // namespace banter::models
