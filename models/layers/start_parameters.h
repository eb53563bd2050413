#pragma once

#include <cstdint>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace banter::models {

/// Gives every parameter of a module its first value, by the kind of layer it belongs to: matrices
/// Xavier uniform, recurrent matrices orthogonal a gate, embeddings normal with deviation
/// 1/sqrt(width) (the pad row, if there is one, is zero), layer norms 1 and 0, biases and lone
/// scalars 0.
///
/// The same module and seed give the same values; LibTorch's global generator is not touched.
/// Throws   base::Error naming a layer that has parameters and no rule
/// Source   Glorot and Bengio 2010; Saxe et al. 2014, arXiv:1312.6120
void start_parameters(torch::nn::Module& module, std::uint64_t seed);

}  // namespace banter::models
