#pragma once

#include <torch/types.h>

#include "data/tokenizer/special_ids.h"

namespace banter::train {

/// What the decoder reads in training where words are dropped: each token but bos and padding
/// becomes unk with probability `share`, so that a model leans on its context.
/// Shapes   inputs (B,S) int64 on the CPU; returns a new (B,S)
/// Modes    draws from LibTorch's CPU generator, which every micro-step seeds
/// Source   Bowman et al. 2016, arXiv:1511.06349, section 3.1
torch::Tensor with_words_dropped(const torch::Tensor& inputs, double share,
                                 const data::SpecialIds& special);

}  // namespace banter::train
