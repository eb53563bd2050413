#include "models/layers/row_dropout.h"

namespace banter::models {

RowDropoutImpl::RowDropoutImpl(double p, bool is_locked) : p_(p), is_locked_(is_locked) {}

torch::Tensor RowDropoutImpl::of_values(const torch::Tensor& x) {
  return torch::dropout(x, p_, is_training());
}

torch::Tensor RowDropoutImpl::forward(const torch::Tensor& x, const Packing& rows) {
  if (!is_locked_ || p_ == 0 || !is_training()) return of_values(x);
  const auto mask =
      torch::empty({rows.rows, x.size(1)}, x.options().requires_grad(false)).bernoulli_(1 - p_);
  return x * mask.div_(1 - p_).index_select(0, rows.row);
}

}  // namespace banter::models
