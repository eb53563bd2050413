#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/dialogue_model.h"

namespace banter::models {

/// Several models of one vocabulary that write one reply together; their types may differ. It puts
/// them into eval mode.
///
/// Math     mean "log_probs":  ln p = mean_m ln p_m, up to what makes it a distribution
///          mean "probs":      p = mean_m p_m
///          An attention is the mean of the members' that have one of its name.
/// Cost     that of all members; `score` takes a step a label
/// Source   log_probs: Marian, Junczys-Dowmunt et al. 2018, arXiv:1804.00344;
///          probs: fairseq, Ott et al. 2019, arXiv:1904.01038
class Ensemble : public DialogueModel {
 public:
  /// Throws   base::Error when there is no member, their vocabularies differ, one has several
  /// passes, or `mean` is unknown
  Ensemble(std::vector<ModelPtr> members, std::string_view mean);

  Kept encode_turns(const data::Batch& batch) override;
  /// Whether any member does.
  [[nodiscard]] bool encodes_turns() const override;
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override;
  Memory compose_next(Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                      const torch::Tensor& reply_speaker) override;
  /// Throws   base::Error: an ensemble is asked, not trained
  std::vector<LossSum> losses(const data::Batch& batch) override;
  Score score(const data::Batch& batch, bool with_attention) override;
  State start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) override;
  State draw(const State& start, const Memory& memory, const torch::Tensor& keys) override;
  /// The logits are log-probabilities, under "log_probs" up to a constant; one member's own.
  StepOutput step(const torch::Tensor& ids, const Memory& memory, State state) override;
  [[nodiscard]] bool has_fixed_step() const override;
  /// What all members have, or none.
  [[nodiscard]] AttendedTokens attended_tokens() const override;
  [[nodiscard]] Memory select_memory(const Memory& memory,
                                     const torch::Tensor& index) const override;

  static const std::vector<std::string>& means();  ///< what `mean` can be

 private:
  /// How many parts each member's rows have, in their order.
  using Parts = std::vector<std::size_t>;
  /// The rows of all members, one behind the other; notes in `parts` how many each has.
  template <typename Make>
  Rows of_each(Parts& parts, const Make& make) const;
  /// Member m's part of rows that `of_each` made.
  static Rows part_of(const Rows& rows, const Parts& parts, std::size_t m);
  /// The same, taken out of them.
  static Rows taken_from(Rows& rows, const Parts& parts, std::size_t m);
  /// Shapes   logits (N,V) of each member -> (N,V)
  [[nodiscard]] torch::Tensor combined(const std::vector<torch::Tensor>& logits) const;

  std::vector<ModelPtr> members_;
  bool is_mean_of_probs_;
  Parts kept_parts_, memory_parts_, state_parts_;
};

}  // namespace banter::models
