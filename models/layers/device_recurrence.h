#pragma once

#include <optional>

#include <torch/types.h>

#include "models/kernels/recurrent_kernels.h"
#include "models/layers/gru.h"

namespace banter::models {

/// `gru_recurrence` by a table of kernels, forward and back, on tensors of the device that they are
/// of: what runs on a GPU, and with `reference_kernels` on the CPU.
///
/// The same arguments give the same bytes as long as the device's matrix products do.
/// Shapes   those of `gru_recurrence`, float32
/// Throws   base::Error when a kernel cannot be started
RecurrentStates gru_recurrence_by(const RecurrentKernels& kernels, const torch::Tensor& gates,
                                  const torch::Tensor& start, const torch::Tensor& weight_hh,
                                  const torch::Tensor& bias_hh, const Packing& packing,
                                  const std::optional<RecurrentAttention>& attention);

/// `gru_cell` without gradient, likewise.
torch::Tensor gru_cell_by(const RecurrentKernels& kernels, const torch::Tensor& gates,
                          const torch::Tensor& hidden_gates, const torch::Tensor& h);

}  // namespace banter::models
