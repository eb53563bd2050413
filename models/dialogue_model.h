#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/batch.h"
#include "data/batches/pair_batch.h"
#include "data/tokenizer/tokenizer.h"
#include "models/rows.h"

namespace banter::models {

class OutputLayerImpl;

/// What a model must know of its vocabulary to be built.
struct Vocabulary {
  std::int64_t size = 0;  ///< V
  data::SpecialIds special;
};

/// Each different turn encoded by itself: what a batch shares and a session keeps. One row a turn.
struct Kept : Rows {};

/// What a decoder reads: one row a reply. Independent of how many beams or samples read it.
struct Memory : Rows {};

/// What a decoder carries from token to token: one row a sequence being written.
struct State {
  torch::Tensor memory_row;  ///< (N) int64: the row of Memory that each sequence reads
  Rows rows;                 ///< the model's own
  [[nodiscard]] State select(const torch::Tensor& index) const;
  static State join(const State& a, const State& b);
};

/// The single tokens that a model's attention can be told of: J of a reply, in this order.
enum class AttendedTokens : std::uint8_t {
  kNone,      ///< none: it looks at turns and facts as wholes
  kOfTurns,   ///< those of turns and facts, `data::Batch::joined()`
  kOfStream,  ///< with the ids around them, `data::Batch::joined(special)`
};

/// Weights of one kind of attention over the sources of a reply, which are [facts; context turns]:
/// they sum to 1 over the kept ones and are exactly 0 elsewhere.
struct Attention {
  std::string name;       ///< "static", "dynamic", ...
  torch::Tensor weights;  ///< (N,U) of a step, (B,S,U) of a score
  /// Of a step, where there are `attended_tokens`: makes the weights of single tokens (N,J'),
  /// under the guards of the step; it costs nothing before. A row's first J are those of its
  /// reply's tokens, the others exactly 0; where J' < J, so are the ones that are left out. Those
  /// of a source's tokens add up to its weight.
  std::function<torch::Tensor()> of_tokens = nullptr;
};

struct StepOutput {
  torch::Tensor logits;              ///< (N,V)
  std::vector<Attention> attention;  ///< (N,U) each; empty for models without
  State state;
  torch::Tensor features{};  ///< (N,D): of `step_features`, which leaves `logits` undefined
};

/// A sum over labels with its count: mean = sum / count, perplexity = exp of that.
struct LossSum {
  std::string name;        ///< nll, kl, ...
  torch::Tensor sum;       ///< scalar, nats
  std::int64_t count = 0;  ///< labels summed over
};

/// How well given replies fit.
struct Score {
  torch::Tensor log_probs;           ///< (B,S): of each label; 0 where the label is -100
  torch::Tensor correct;             ///< (B,S) bool: the label is the arg max
  std::vector<Attention> attention;  ///< (B,S,U) each, when asked for
};

/// The one interface that training, decoding and serving know.
///
/// A turn is encoded once, whoever reads it: encode_turns -> compose -> start -> step. Training and
/// scoring do the same for all labels at once; `score` equals repeated `step`.
///
/// Threads  one at a time: steps keep packed matrices, layers count their calls
class DialogueModel : public torch::nn::Module {
 public:
  /// Encodes M different turns and facts, each by itself. Reads the `turn_*` fields of `batch`.
  virtual Kept encode_turns(const data::Batch& batch) = 0;

  /// Whether `encode_turns` does work that need not be done again for a turn's next reader; false
  /// where the encoder reads a whole context at once and turns are kept as their ids.
  [[nodiscard]] virtual bool encodes_turns() const { return true; }
  /// Makes what the decoder reads from rows of `kept`.
  /// Shapes   context (B,U), facts (B,F) int64 rows of `kept`, -1 = none; reply_speaker (B) int64
  virtual Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                         const torch::Tensor& reply_speaker) = 0;

  /// The same for the next reply of one conversation, B = 1. What is encoded for it beyond its
  /// turns stays in `kept`, so that the reply after it costs what is new, where a model can have
  /// that.
  virtual Memory compose_next(Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                              const torch::Tensor& reply_speaker);

  /// The counts of the losses that `losses` would return, in its order; no forward pass.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::int64_t>> loss_counts(
      const data::Batch& batch) const;
  /// Sums with counts, differentiable. Obeys train() and eval().
  virtual std::vector<LossSum> losses(const data::Batch& batch) = 0;
  /// The same for the update that follows `updates` of them: a loss that does not count in it
  /// (`loss_weight` 0) may be missing, and a model that learns in phases does not compute it.
  virtual std::vector<LossSum> losses_that_count(const data::Batch& batch, std::int64_t updates);
  /// The same of sentence pairs, for models that learn from them; others have none.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::int64_t>> pair_loss_counts(
      const data::PairBatch& pairs) const;
  virtual std::vector<LossSum> pair_losses(const data::PairBatch& pairs);
  /// What a loss of this name counts for in the update that follows `updates` of them.
  [[nodiscard]] virtual double loss_weight(std::string_view loss, std::int64_t updates) const;
  /// How many updates pass before one may touch a parameter of this name; those leave it as it is,
  /// weight decay too.
  [[nodiscard]] virtual std::int64_t active_from(std::string_view parameter) const;
  /// Where a reply's probability has no exact value: a bound of its -log, in nats (B), under
  /// NoGrad or InferenceMode. Nothing where `score` is exact.
  virtual std::optional<torch::Tensor> bound(const data::Batch& batch);
  /// Log-probabilities of the labels of `batch`, under NoGrad or InferenceMode.
  virtual Score score(const data::Batch& batch, bool with_attention = false) = 0;
  /// Scores of the same labels by other parts or readings of the model, under the names of the
  /// figures that are made of them; none for most models.
  virtual std::vector<std::pair<std::string, Score>> further_scores(const data::Batch& batch);

  /// The pass of a model's draft decoder alone.
  static constexpr std::int64_t kDraft = -1;
  /// Whether there is a draft decoder, which can be asked by itself.
  [[nodiscard]] virtual bool has_draft() const { return false; }
  /// How many times a reply is decoded: 2 where a draft, made by pass 0, is refined by pass 1.
  [[nodiscard]] virtual std::int64_t passes() const { return 1; }
  /// What pass 1 reads: `memory` with the draft of each of its rows.
  /// Shapes   draft (B,S) int64: bos, d_1 .. d_n; keep (B,S) bool, true = real
  virtual Memory refine(const Memory& memory, const torch::Tensor& draft,
                        const torch::Tensor& keep);
  /// What the last pass reads where nobody chooses a draft: `memory` with the model's own, most
  /// probable ones, or as it is when there is one pass.
  virtual Memory with_own_draft(const Memory& memory);
  /// The state before the first token, for sequences that read rows `memory_row` (N) of `memory`.
  virtual State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) = 0;
  /// What a model leaves to chance, drawn for sequences that start. Shapes   keys (N) int64, one a
  /// sequence: the same key, the same draw. A model without chance returns `start` as it is.
  virtual State draw(const State& start, const Memory& memory, const torch::Tensor& keys);
  /// Reads one more id (N) for N sequences (bos first) and gives the logits of the next.
  /// What a row gets does not depend on the other rows. A state that is moved in may be written
  /// over; one that the caller keeps stays as it is, and costs its copy.
  /// A model has either this, and no `step_output_layer`, or the next two, of which this is made.
  virtual StepOutput step(const torch::Tensor& ids, const Memory& memory, State state);
  /// `step` as far as what its output layer reads, for searches that need less than the table.
  virtual StepOutput step_features(const torch::Tensor& ids, const Memory& memory, State state);
  /// The layer whose `logits` of a step's features are those of the step; null where no one layer's
  /// are.
  [[nodiscard]] virtual OutputLayerImpl* step_output_layer() { return nullptr; }
  /// Whether shapes alone say which operations a step is made of: it waits for no number of its
  /// device and brings none there. Only such a step can be recorded and repeated.
  [[nodiscard]] virtual bool has_fixed_step() const { return false; }

  /// The tokens that the `of_tokens` of a step's attentions are of.
  [[nodiscard]] virtual AttendedTokens attended_tokens() const { return AttendedTokens::kNone; }

  /// Rows `index` (N') int64 of a memory, at least one, without the padding that none of them
  /// needs: what a long context would leave behind it. A step on them gives the same bits.
  [[nodiscard]] virtual Memory select_memory(const Memory& memory,
                                             const torch::Tensor& index) const;

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit DialogueModel(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

 private:
  Vocabulary vocabulary_;
};

using ModelPtr = std::shared_ptr<DialogueModel>;

}  // namespace banter::models
