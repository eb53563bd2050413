#pragma once

#include "models/turn_model.h"

namespace banter::models {

struct WseqOptions : TurnModelOptions {
  static WseqOptions from(configs::Section& section);
};

/// Turns weighted by how alike they are to the last one: a context without a network of its own.
///
/// Math     a = softmax_i cos(h_i, h_U), the last one's own score is 1; norms are at least 1e-8
///          c = sum_i a_i h_i        s_0 = tanh(W_0 h_U + b_0)        c stays for the whole reply
/// Source   Tian et al. 2017, "How to Make Context More Useful?", ACL P17-2036, the weighted sum;
///          differs: c is read at every token, beside s_0, as in `Hred`
class Wseq : public TurnModel {
 public:
  Wseq(const WseqOptions& options, const Vocabulary& vocabulary);

 protected:
  Sources sources(const EncodedTurns& encoded, const torch::Tensor& context,
                  const torch::Tensor& facts) override;
};

}  // namespace banter::models
