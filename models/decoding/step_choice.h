#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include <torch/types.h>

#include "models/decoding/running.h"
#include "models/dialogue_model.h"
#include "models/layers/output_layer.h"

namespace banter::models {

/// The rows that each running request goes on with.
using NextRows = std::vector<std::vector<NextRow>>;

/// Lets the searches of all requests choose from what a step gives, several at a time.
class StepChoice {
 public:
  /// `running` must outlive it. `with_attention`: they are told what each row looked at.
  StepChoice(const std::vector<Running>& running, bool with_attention)
      : running_(running), with_attention_(with_attention) {}

  /// Whether every search asks for the highest logit alone, so that a step may end before its
  /// table.
  [[nodiscard]] bool takes_candidates() const;
  /// From its logits (N,V).
  /// Throws   base::Error that says whose token could not be chosen
  [[nodiscard]] NextRows of(const StepOutput& output) const;
  /// From its features, by what can be the highest; where that does not tell, from a row's logits.
  /// Requires `takes_candidates`. Throws   as `of`
  [[nodiscard]] NextRows among(const StepOutput& output, OutputLayerImpl& layer) const;

 private:
  using Requests = std::vector<std::size_t>;  ///< places in `running_`
  [[nodiscard]] std::vector<SharedAttention> attention_of(const StepOutput& output) const;
  void for_each(const Requests& requests, const std::function<void(std::size_t)>& choose) const;
  void choose_from(const torch::Tensor& table, const Requests& requests,
                   const std::vector<SharedAttention>& attention, NextRows& next) const;
  [[nodiscard]] Requests all() const;

  const std::vector<Running>& running_;
  const bool with_attention_;
};

}  // namespace banter::models
