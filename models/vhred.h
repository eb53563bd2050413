#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/layers/gaussian.h"
#include "models/turn_model.h"

namespace banter::models {

struct VhredOptions : TurnModelOptions {
  std::int64_t latent_dim = 100;          ///< Z, > 0
  double variance_scale = 0.1;            ///< factor of both variances, > 0
  std::int64_t kl_anneal_steps = 75'000;  ///< the weight of kl rises over these; 0 = always 1
  double word_drop = 0.25;  ///< share of the decoder's inputs read as unk in training, in [0, 1)
  std::string latent = "mean";  ///< of the prior, in generation: mean|sample (by decoding's seed)

  static VhredOptions from(configs::Section& section);
};

/// Plain HRED with a latent variable a reply, which the decoder reads beside the context.
///
/// Math     h_i = the vector of turn i (`TurnModel`)     g_i = GRU(h_i, g_{i-1})
///          prior p from g_U; posterior q from [g_U; h_y], h_y = the encoder's vector of the reply
///          z ~ q = mu_q + sqrt(var_q) * eps        c = [g_U; z]        s_0 = tanh(W_0 c + b_0)
///          -log p(y) <= E nll(y | z) + kl,  kl = KL(q || p)  summed over Z
///          loss = (nll + kappa kl) / labels,  kappa = min(1, updates done / kl_anneal_steps)
/// Modes    train(): eps and dropped words from LibTorch's generator; eval(): eps is a function of
///          the reply, so that its losses and its bound are the same wherever it stands
/// Source   Serban et al. 2017, arXiv:1605.06069; hed-dlg-truncated, state.py and dialog_encdec.py;
///          differs: GRU decoder, kl is divided by the labels as nll is
class Vhred : public TurnModel {
 public:
  Vhred(const VhredOptions& options, const Vocabulary& vocabulary);

  [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> loss_counts(
      const data::Batch& batch) const override;
  /// nll at z of the posterior, and kl.
  std::vector<LossSum> losses(const data::Batch& batch) override;
  [[nodiscard]] double loss_weight(std::string_view loss, std::int64_t updates) const override;
  /// nll + kl of each reply. `score` reads z = the prior's mean, which bounds nothing.
  std::optional<torch::Tensor> bound(const data::Batch& batch) override;
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override;
  /// At the prior's mean.
  State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) override;
  /// With `latent: sample`, z from the prior, one a sequence.
  State draw(const State& start, const Memory& memory, const torch::Tensor& keys) override;

  const VhredOptions options;

 protected:
  Sources sources(const EncodedTurns& turns, const torch::Tensor& context,
                  const torch::Tensor& facts) override;
  torch::Tensor gates_of_step(const torch::Tensor& gates, const Memory& memory, const State& state,
                              std::vector<Attention>& attention) override;

 private:
  /// Parts of Memory behind those of every TurnModel, one row a reply, with `latent: sample`. A
  /// state then has a second part (N,3H): what its z, beside the mean, adds to the gates.
  enum OwnPart : std::size_t {
    kStartInput = kOwnParts,  ///< (B,L*H): W_0 c + b_0 at the prior's mean
    kDeviation,               ///< (B,Z): of the prior
  };
  /// What the decoder reads of the replies themselves.
  struct Inference {
    Sources sources;
    torch::Tensor kl;  ///< (B)
  };
  /// Vectors of a batch's tokens, packed, by one look-up.
  struct Tokens {
    torch::Tensor turns;    ///< (P,E)
    torch::Tensor replies;  ///< (Q,E): replies as the turns they will be, before dropout
    torch::Tensor inputs;   ///< (Q,E): of the decoder
  };
  torch::Tensor last_of_context(const torch::Tensor& vectors, const torch::Tensor& context,
                                const torch::Tensor& facts);
  Sources sources_of(const torch::Tensor& c);
  /// Shapes   inputs (Q) int64: the decoder's, packed
  Tokens look_up(const data::Batch& batch, const Packing& turns, const Packing& labels,
                 const torch::Tensor& inputs);
  /// Shapes   vectors (M,H) of the turns, replies (Q,E)
  Inference infer(const torch::Tensor& vectors, const torch::Tensor& replies,
                  const data::Batch& batch, const Packing& labels);
  torch::Tensor dropped(const torch::Tensor& inputs) const;
  [[nodiscard]] bool samples() const { return options.latent == "sample"; }

  Gru context_rnn_{nullptr};
  GaussianNet prior_{nullptr}, posterior_{nullptr};
  StepLinear draw_start_{nullptr}, draw_gates_{nullptr};
};

}  // namespace banter::models
