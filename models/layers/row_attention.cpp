#include "models/layers/row_attention.h"

#include <limits>

#include "models/layers/device_attention.h"
#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

struct AdditiveWeights : Function<AdditiveWeights> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& query,
                               const torch::Tensor& keys, const torch::Tensor& index,
                               const torch::Tensor& v) {
    const auto weights = query.new_zeros(index.sizes());
    with_type(query, [&](auto zero) {
      using T = decltype(zero);
      split(query.size(0), kRowGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels<T>().additive_weights(begin, end, query.size(1), query.const_data_ptr<T>(),
                                      keys.const_data_ptr<T>(), row_index(index),
                                      v.const_data_ptr<T>(), weights.template data_ptr<T>());
      });
    });
    context->save_for_backward({query, keys, index, v, weights});
    return weights;
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto saved = context->get_saved_variables();
    const auto &query = saved[0], &keys = saved[1], &index = saved[2], &v = saved[3];
    const auto& weights = saved[4];
    const auto d_weights = d_outputs[0].contiguous();
    const auto d_scores = torch::empty_like(weights);
    const auto d_query = torch::empty_like(query);
    const auto d_keys = torch::zeros_like(keys);
    const auto d_v = torch::zeros_like(v);
    with_type(query, [&](auto zero) {
      using T = decltype(zero);
      kernels<T>().softmax_backward(0, query.size(0), index.size(1), weights.const_data_ptr<T>(),
                                    d_weights.const_data_ptr<T>(), d_scores.template data_ptr<T>());
      split(query.size(1), kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels<T>().additive_backward(begin, end, query.size(0), query.size(1),
                                       query.const_data_ptr<T>(), keys.const_data_ptr<T>(),
                                       row_index(index), v.const_data_ptr<T>(),
                                       d_scores.const_data_ptr<T>(), d_query.template data_ptr<T>(),
                                       d_keys.template data_ptr<T>(), d_v.template data_ptr<T>());
      });
    });
    return {d_query, d_keys, {}, d_v};
  }
};

struct WeightedRows : Function<WeightedRows> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& weights,
                               const torch::Tensor& values, const torch::Tensor& index) {
    const auto out = values.new_zeros({index.size(0), values.size(1)});
    with_type(values, [&](auto zero) {
      using T = decltype(zero);
      split(index.size(0), kRowGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels<T>().add_weighted_rows(begin, end, values.size(1), weights.const_data_ptr<T>(),
                                       values.const_data_ptr<T>(), row_index(index),
                                       out.template data_ptr<T>());
      });
    });
    context->save_for_backward({weights, values, index});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto saved = context->get_saved_variables();
    const auto &weights = saved[0], &values = saved[1], &index = saved[2];
    const auto d_out = d_outputs[0].contiguous();
    const auto d_weights = torch::zeros_like(weights);
    const auto d_values = torch::zeros_like(values);
    with_type(values, [&](auto zero) {
      using T = decltype(zero);
      const auto N = index.size(0);
      const auto D = values.size(1);
      split(N, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels<T>().weighted_rows_d_weights(begin, end, D, d_out.const_data_ptr<T>(),
                                             values.const_data_ptr<T>(), row_index(index),
                                             d_weights.template data_ptr<T>());
      });
      split(D, kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels<T>().weighted_rows_d_values(begin, end, N, D, weights.const_data_ptr<T>(),
                                            d_out.const_data_ptr<T>(), row_index(index),
                                            d_values.template data_ptr<T>());
      });
    });
    return {d_weights, d_values, {}};
  }
};

/// Throws   ShapeError
void expect_attention(const torch::Tensor& query, const torch::Tensor& keys,
                      const torch::Tensor& index, const torch::Tensor& v) {
  const auto [N, K] = dims<2>(query, "query (N,K)");
  const auto R = dims<2>(keys, "keys (R,K)")[0];
  expect_like(keys, {R, K}, query.scalar_type(), "keys (R,K)");
  expect_like(v, {K}, query.scalar_type(), "v (K)");
  expect_like(index, {N, dims<2>(index, "index (N,U)")[1]}, torch::kLong, "index (N,U)");
}

}  // namespace

torch::Tensor masked_softmax(const torch::Tensor& scores, const torch::Tensor& keep_mask) {
  const auto hidden = keep_mask.logical_not();
  const auto weights =
      widened(scores).masked_fill(hidden, std::numeric_limits<float>::lowest()).softmax(-1);
  return weights.masked_fill(hidden, 0.0);
}

torch::Tensor additive_weights_plain(const torch::Tensor& query, const torch::Tensor& keys,
                                     const torch::Tensor& index, const torch::Tensor& v) {
  const auto gathered = keys.index_select(0, index.clamp_min(0).flatten())
                            .view({index.size(0), index.size(1), keys.size(1)});  // (N,U,K)
  const auto scores = torch::tanh(gathered + query.unsqueeze(1)).matmul(v);       // (N,U)
  return masked_softmax(scores, index.ge(0));
}

torch::Tensor weighted_rows_plain(const torch::Tensor& weights, const torch::Tensor& values,
                                  const torch::Tensor& index) {
  const auto gathered = values.index_select(0, index.clamp_min(0).flatten())
                            .view({index.size(0), index.size(1), values.size(1)});  // (N,U,D)
  const auto kept = weights.masked_fill(index.lt(0), 0.0).unsqueeze(1);             // (N,1,U)
  return kept.bmm(gathered).squeeze(1);
}

torch::Tensor additive_weights(const torch::Tensor& query, const torch::Tensor& keys,
                               const torch::Tensor& index, const torch::Tensor& v) {
  if (is_narrow(query) || is_narrow(keys))
    return additive_weights(widened(query), widened(keys), index, v);
  expect_attention(query, keys, index, v);
  if (!has_kernels(query, Kernel::kAttention)) return additive_weights_plain(query, keys, index, v);
  return AdditiveWeights::apply(query.contiguous(), keys.contiguous(), index.contiguous(),
                                v.contiguous());
}

torch::Tensor weighted_rows(const torch::Tensor& weights, const torch::Tensor& values,
                            const torch::Tensor& index) {
  if (is_narrow(weights) || is_narrow(values))
    return weighted_rows(widened(weights), widened(values), index);
  const auto [N, U] = dims<2>(index, "index (N,U)");
  dims<2>(values, "values (R,D)");
  expect_like(index, {N, U}, torch::kLong, "index (N,U)");
  expect_like(weights, {N, U}, values.scalar_type(), "weights (N,U)");
  if (!has_kernels(values, Kernel::kAttention)) return weighted_rows_plain(weights, values, index);
  return WeightedRows::apply(weights.contiguous(), values.contiguous(), index.contiguous());
}

Attended additive_attention(const torch::Tensor& query, const torch::Tensor& keys,
                            const torch::Tensor& v, const torch::Tensor& values,
                            const torch::Tensor& index) {
  if (is_narrow(query) || is_narrow(keys) || is_narrow(values))
    return additive_attention(widened(query), widened(keys), v, widened(values), index);
  const auto* device = device_kernels(query);
  if (device == nullptr) {
    const auto weights = additive_weights(query, keys, index, v);
    return {weights, weighted_rows(weights, values, index)};
  }
  expect_attention(query, keys, index, v);
  const auto D = dims<2>(values, "values (R,D)")[1];
  expect_like(values, {keys.size(0), D}, keys.scalar_type(), "values (R,D)");
  return additive_attention_by(*device, query, keys, v, values, index);
}

torch::Tensor summed_by_source(const torch::Tensor& weights, const torch::Tensor& source,
                               std::int64_t U) {
  return weights.new_zeros({weights.size(0), U + 1})
      .scatter_add(1, source, weights)
      .narrow(1, 1, U);
}

}  // namespace banter::models
