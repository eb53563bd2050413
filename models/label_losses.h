#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "models/dialogue_model.h"
#include "models/layers/output_layer.h"

namespace banter::models {

/// What stands behind a loss's name when its labels are smoothed.
inline constexpr std::string_view kSmoothed = "_smoothed";

/// Whether a loss is one of a reply's labels, made by `label_losses`.
bool is_of_labels(std::string_view loss);

/// The loss of a reply's labels: their nll under `name`; where the layer smooths labels the nll
/// has no gradient, and `name`_smoothed, which is learned from, follows.
/// Shapes   states (P,D), labels (P) int64 in [0,V); `count` of them
std::vector<LossSum> label_losses(const std::string& name, OutputLayer& output,
                                  const torch::Tensor& states, const torch::Tensor& labels,
                                  std::int64_t count);

/// Has all output layers of a model smooth the labels of replies; of a model that learns.
void smooth_labels(torch::nn::Module& model, const LabelSmoothing& smoothing);

}  // namespace banter::models
