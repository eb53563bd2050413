#include "train/tasks/word_drop.h"

namespace banter::train {

torch::Tensor with_words_dropped(const torch::Tensor& inputs, double share,
                                 const data::SpecialIds& special) {
  const auto drawn = torch::rand(inputs.sizes(), torch::kFloat);
  const auto is_word = inputs.ne(special.bos).logical_and(inputs.ne(special.pad));
  return inputs.masked_fill(drawn.lt(share).logical_and(is_word), special.unk);
}

}  // namespace banter::train
