#pragma once

#include <memory>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "data/batches/pair_batch.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// How the second of two sentences stands to the first: what judges whether a reply keeps to a
/// persona. The one interface that training and measuring such models know.
///
/// Threads  one at a time
class PairClassifier : public torch::nn::Module {
 public:
  static constexpr std::int64_t kLabels = 3;

  /// Shapes   returns (N,3): by data::Label; row n is of `pairs`' row n. What a pair gets does not
  ///          depend on the others
  /// Modes    dropout in train()
  virtual torch::Tensor logits(const data::PairBatch& pairs) = 0;

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit PairClassifier(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

 private:
  Vocabulary vocabulary_;
};

using PairClassifierPtr = std::shared_ptr<PairClassifier>;

}  // namespace banter::models
