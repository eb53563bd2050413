#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/layers/additive_attention.h"
#include "models/layers/word_recurrence.h"
#include "models/turn_model.h"

namespace banter::models {

struct HredOptions : TurnModelOptions {
  std::string attention = "both";  ///< over the turns: none|static|dynamic|both
  std::string combine = "concat";  ///< of both: concat|sum|weighted|max|mean
  std::string gate = "fixed";      ///< of weighted: fixed (one learned share)|state (one a token)
  std::string static_query = "last";  ///< the turn that static attention asks with: last|first
  bool context_rnn = false;           ///< a GRU over the turn vectors; true when attention is none
  bool word_attention = false;        ///< attend over a turn's words first, by what is asked
  std::string turn_positions = "none";  ///< a vector for a turn's distance: none|learned|sinusoidal

  static HredOptions from(configs::Section& section);
  [[nodiscard]] bool has_static() const { return attention == "static" || attention == "both"; }
  [[nodiscard]] bool has_dynamic() const { return attention == "dynamic" || attention == "both"; }
};

/// Hierarchical recurrent encoder-decoder with static and dynamic attention over the turns.
///
/// Each turn becomes one vector by itself, so replies of a batch share it and a session keeps it.
///
/// Math     h_i = the vector of turn i (`TurnModel`)  g_i = GRU(h_i, g_{i-1}) when `context_rnn`,
///          which then stands for h_i everywhere below
///          static   a = softmax_i v^T tanh(W h_i + Q h_U),        c   = sum_i a_i h_i
///          dynamic  a_t = softmax_i v'^T tanh(W' h_i + Q' s_{t-1}), c_t = sum_i a_ti h_i
///          c_hat = g_U (none), c, c_t, or of both: [c; c_t], c + c_t, lam c + (1-lam) c_t,
///          max(c, c_t), (c + c_t)/2
///          s_t = GRU([e(y_{t-1}); c_hat_t], s_{t-1})   s_0 = tanh(W_0 h_U + b_0)
///          logits_t = W_o s_t + b
///          With `word_attention` the attended vector of turn i is, for h_U and for s_{t-1} each,
///          r_i = sum_j b_ij q_ij,  b_i = softmax_j v_w^T tanh(W_w q_ij + Q_w query),  q_ij the
///          token's state; g runs over them, and h_U stays the last turn's own vector
/// Source   Serban et al. 2016, arXiv:1507.04808 (HRED); static and dynamic attention: Zhang et al.
///          2018, COLING C18-1206, and arXiv:2410.20766; word attention: Xing et al. 2018,
///          arXiv:1701.07149 (HRAN); differs: queries, and g runs forward
class Hred : public TurnModel {
 public:
  Hred(const HredOptions& options, const Vocabulary& vocabulary);

  [[nodiscard]] Memory select_memory(const Memory& memory,
                                     const torch::Tensor& index) const override;

  /// Not with words: how many there are at most is asked at each step.
  [[nodiscard]] bool has_fixed_step() const override { return !looks_at_words(); }
  [[nodiscard]] AttendedTokens attended_tokens() const override {
    return options.word_attention ? AttendedTokens::kOfTurns : AttendedTokens::kNone;
  }

  /// How often each attention's weights were made (replies or steps of a batch count once).
  [[nodiscard]] std::int64_t static_calls() const;
  [[nodiscard]] std::int64_t dynamic_calls() const;

  const HredOptions options;

 protected:
  [[nodiscard]] bool keeps_states() const override { return options.word_attention; }
  Sources sources(const EncodedTurns& encoded, const torch::Tensor& context,
                  const torch::Tensor& facts) override;
  Memory memory_of(const Sources& sources) const override;
  RecurrentStates run_decoder(const Sources& sources, const torch::Tensor& gates,
                              const Packing& labels) override;
  torch::Tensor gates_of_step(const torch::Tensor& gates, const Memory& memory, const State& state,
                              std::vector<Attention>& attention) override;

 private:
  /// Parts of Memory behind those of every TurnModel, one row a reply, with dynamic attention.
  enum OwnPart : std::size_t {
    kKeep = kOwnParts,  ///< (B,U) bool
    kKeys,              ///< (B,U,K), over words (B,J,K)
    kAttended,          ///< (B,U,3H) values, (B,U,H) turns or (B,J,D) values of tokens
    kFixed,             ///< (B,H): c, when it is not in the gates; else (B,0)
    kBegin,
    kLength,  ///< (B,U) int64: each source's tokens, over words
  };
  /// What dynamic attention gives at one token.
  struct Seen {
    torch::Tensor vector;   ///< (N,H) c_t, or (N,3H) it in the gates
    torch::Tensor weights;  ///< (N,U)
    torch::Tensor words;    ///< (N,U,T): those of a turn's tokens within it; over words
  };
  ContextRows read_turns(const ContextRows& turns);
  ContextRows with_positions(const ContextRows& turns);
  /// Shapes   query (N,H); keys (R,K), rows (R,D); index (N,U) rows of both
  Seen look(const torch::Tensor& query, const torch::Tensor& keys, const ContextRows& turns);
  /// Shapes   query (N,H); keep (N,U)
  Seen look_at_words(const torch::Tensor& query, const TokenRows& words, const torch::Tensor& keep);
  /// What c_hat of this token adds to the gates that have all that stays.
  /// Shapes   c, c_t, s (N,H) -> (N,3H); c is read only where c_hat is not linear
  torch::Tensor gates_of(const torch::Tensor& c, const torch::Tensor& c_t, const torch::Tensor& s);
  /// What the decoder reads of words. Requires looks_at_words() and is_linear().
  [[nodiscard]] WordAttention attention_of(const Sources& sources) const;
  /// States a step at a time: where c_hat is not linear in c_t, where the query is the state of
  /// another layer than the one that reads c_t, and over words of turns that have a position.
  RecurrentStates decode_by_step(const Sources& sources, const torch::Tensor& gates,
                                 const Packing& labels);
  /// c_hat where it is not linear in c_t. Shapes   c, c_t, s (N,H) -> (N,H)
  torch::Tensor combined(const torch::Tensor& c, const torch::Tensor& c_t, const torch::Tensor& s);
  /// The decoder's input matrix where it meets c_t. Shapes   (3H,H)
  [[nodiscard]] torch::Tensor dynamic_weight() const;
  /// c's share where c and c_t are mixed by one number.
  [[nodiscard]] std::optional<torch::Tensor> fixed_share() const;
  [[nodiscard]] bool is_linear() const;  ///< c_t enters the gates by a fixed matrix
  [[nodiscard]] bool looks_at_words() const {
    return options.word_attention && options.has_dynamic();
  }

  Gru context_rnn_{nullptr};                      ///< when context_rnn
  torch::nn::Embedding positions_{nullptr};       ///< when turn_positions is learned
  AdditiveAttention static_words_{nullptr};       ///< when has_static and word_attention
  AdditiveAttention dynamic_words_{nullptr};      ///< when has_dynamic and word_attention
  AdditiveAttention static_attention_{nullptr};   ///< when has_static
  AdditiveAttention dynamic_attention_{nullptr};  ///< when has_dynamic
  torch::nn::Linear gate_{nullptr};               ///< of weighted with gate: state
  torch::Tensor share_;                           ///< w of weighted with gate: fixed, scalar
  StepLinear step_context_{nullptr}, step_gate_{nullptr}, step_keys_{nullptr};
};

}  // namespace banter::models
