#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/layers/transformer/consistency_decoder.h"
#include "models/stack_options.h"
#include "models/transformer_model.h"

namespace banter::models {

/// An encoder, a draft decoder D1, and a consistency decoder D2 on top of D1's states, which can
/// learn from sentence pairs too.
///
/// Math     M  = E([persona; context]), with a vector for either kind added to each token
///          R1 = D1(reply, M)                           p1 = softmax(W1 R1 + b1)
///          R2 = D2(reply, persona's token vectors, R1)   p2 = softmax(W2 R2 + b2)
///          loss = nll(p1) + alpha nll_consistency(p2)
///                 + gamma (beta nll_entailed(p2) + (1 - beta) unlikelihood(p2)), each a label
/// D2 never sees the context but through R1. A pair trains D2 alone (and what is shared with it):
/// the premise is the persona, the hypothesis the reply.
/// A reply is p2's: token by token beside D1 (lockstep), or over all states of a draft of D1's
/// (two_pass). `score` is of p2, with two_pass on D1's own greedy draft. Without D2 all is p1's.
/// Source   Song et al. 2021, arXiv:2106.06169, and its journal version arXiv:2410.20174; differs:
///          see the options, whose defaults are not those of its code
class StackPropagation : public TransformerModel {
 public:
  StackPropagation(const StackOptions& options, const Vocabulary& vocabulary);

  /// Turns are kept as ids: the encoder runs over a reply's whole context in `compose`.
  Kept encode_turns(const data::Batch& batch) override;
  [[nodiscard]] bool encodes_turns() const override { return false; }
  /// Facts stand in front of turns, so the persona's tokens are the stream's first ones.
  [[nodiscard]] AttendedTokens attended_tokens() const override {
    return AttendedTokens::kOfStream;
  }
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override;

  /// nll and nll_consistency.
  [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> loss_counts(
      const data::Batch& batch) const override;
  std::vector<LossSum> losses(const data::Batch& batch) override;
  /// nll alone, without a step of D2, while phase 1 lasts.
  std::vector<LossSum> losses_that_count(const data::Batch& batch, std::int64_t updates) override;
  /// nll_entailed and unlikelihood; neutral pairs count in neither.
  [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> pair_loss_counts(
      const data::PairBatch& pairs) const override;
  std::vector<LossSum> pair_losses(const data::PairBatch& pairs) override;
  [[nodiscard]] double loss_weight(std::string_view loss, std::int64_t updates) const override;
  [[nodiscard]] std::int64_t active_from(std::string_view parameter) const override;

  Score score(const data::Batch& batch, bool with_attention) override;
  /// ppl_d1: of D1. d2_reconstruction, with d2_reads_r1: open: of D2 that reads all states of the
  /// given reply, and with them its labels: no likelihood.
  std::vector<std::pair<std::string, Score>> further_scores(const data::Batch& batch) override;

  [[nodiscard]] bool has_draft() const override { return has_d2(); }
  [[nodiscard]] std::int64_t passes() const override { return has_d2() && !is_lockstep() ? 2 : 1; }
  Memory refine(const Memory& memory, const torch::Tensor& draft,
                const torch::Tensor& keep) override;
  Memory with_own_draft(const Memory& memory) override;
  State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) override;
  StepOutput step(const torch::Tensor& ids, const Memory& memory, State state) override;
  /// D1's where it is alone.
  [[nodiscard]] OutputLayerImpl* step_output_layer() override {
    return has_d2() ? nullptr : TransformerModel::step_output_layer();
  }

  const StackOptions options;

 protected:
  Read read(const data::Batch& batch) override;
  Sources read_kept(const Kept& kept, const torch::Tensor& context,
                    const torch::Tensor& facts) override;
  void narrow(Memory& memory, const torch::Tensor& index) const override;

 private:
  /// The token vectors that a batch's replies and contexts are read by, all in one order.
  struct Words {
    PaddedRows rows;            ///< of contexts
    torch::Tensor tokens;       ///< (R,D): of contexts, without their kind
    torch::Tensor is_fact;      ///< (R) bool
    torch::Tensor source;       ///< (R) int64: place in [facts; context]
    std::int64_t places = 0;    ///< U
    PaddedRows labels;          ///< of replies
    torch::Tensor inputs;       ///< (P,D): D1's
    torch::Tensor own_inputs;   ///< (P,D): D2's
    PaddedRows persona;         ///< of facts
    torch::Tensor facts;        ///< (Q,D): D2's vectors of their tokens
    torch::Tensor fact_source;  ///< (Q) int64
  };
  static constexpr const char* kPersona = "persona";  ///< D2's attention to the facts
  using Persona = ConsistencyDecoderImpl::Persona;
  using R1 = ConsistencyDecoderImpl::Draft;

  void register_embeddings();
  void register_consistency();
  [[nodiscard]] bool has_d2() const { return options.consistency_layers > 0; }
  [[nodiscard]] bool is_lockstep() const { return options.d2_order == "lockstep"; }
  torch::Tensor draft_vectors(const torch::Tensor& ids);
  torch::Tensor own_vectors(const torch::Tensor& ids);

  enum class Parts { kAll, kDraft };  ///< kDraft: without what D2 alone reads
  Words words(const data::Batch& batch, Parts parts = Parts::kAll);
  std::vector<LossSum> losses_of(const data::Batch& batch, Parts parts);
  Sources encode(const Words& words);
  TransformerLayerImpl::Seen draft(const Words& words, const Sources& sources,
                                   bool with_weights = false);
  Persona persona_of(const Words& words);
  std::optional<R1> r1_of_pairs(const Words& words, const torch::Tensor& first);
  R1 r1_of_own_draft(const data::Batch& batch, const PaddedRows& labels);
  ConsistencyLayerImpl::Seen consistent(const Words& words, const R1& r1,
                                        bool with_weights = false);

  [[nodiscard]] std::size_t persona_part() const { return memory_parts(); }
  [[nodiscard]] std::size_t draft_part() const;
  [[nodiscard]] Looked looked_at(std::size_t part, const Memory& memory,
                                 const torch::Tensor& row) const;
  StepOutput step_of_draft(const torch::Tensor& ids, const Memory& memory, const State& state);
  StepOutput step_together(const torch::Tensor& ids, const Memory& memory, const State& state);
  StepOutput step_refining(const torch::Tensor& ids, const Memory& memory, const State& state);
  [[nodiscard]] Attention persona_attention(const torch::Tensor& weights, const Memory& memory,
                                            const torch::Tensor& row) const;

  TurnEmbedding draft_embedding_{nullptr}, consistency_embedding_{nullptr};  ///< unless shared
  torch::nn::Embedding kind_{nullptr};                                       ///< query, persona
  TransformerStack encoder_{nullptr};
  ConsistencyDecoder consistency_{nullptr};
  OutputLayer consistency_output_{nullptr};
};

}  // namespace banter::models
