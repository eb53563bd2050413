#pragma once

#include <set>
#include <string>

#include <torch/types.h>

#include "models/dialogue_model.h"

namespace banter::models {

inline const std::string kSizes = "embed_dim: 12\nhidden_dim: 10\ndropout: 0.2\n";
inline const std::string kTransformerSizes = "dim: 12\nheads: 3\nffn_dim: 10\ndropout: 0.2\n";

/// The type that a YAML begins with.
inline std::string type_of(const std::string& yaml) {
  const std::string key = "type: ";
  return yaml.substr(key.size(), yaml.find('\n') - key.size());
}

/// The sizes that a model of this YAML is asked for.
inline const std::string& sizes_of(const std::string& yaml) {
  const std::set<std::string> transformers = {"recosa", "stack_propagation", "transformer"};
  return transformers.contains(type_of(yaml)) ? kTransformerSizes : kSizes;
}

/// What the model learns to make small, once all losses count.
inline torch::Tensor total_loss(DialogueModel& model, const data::Batch& batch) {
  auto total = torch::zeros({}, torch::kDouble);
  for (const auto& loss : model.losses(batch)) total = total + loss.sum;
  return total;
}

}  // namespace banter::models
