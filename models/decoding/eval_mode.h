#pragma once

#include "models/dialogue_model.h"

namespace banter::models {

/// Puts the model into eval mode, and back when destroyed.
class EvalMode {
 public:
  explicit EvalMode(DialogueModel& model) : model_(model), was_training_(model.is_training()) {
    if (was_training_) model_.eval();
  }
  ~EvalMode() {
    if (was_training_) model_.train();
  }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  DialogueModel& model_;
  bool was_training_;
};

}  // namespace banter::models
