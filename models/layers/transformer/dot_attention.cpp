#include "models/layers/transformer/dot_attention.h"

#include <cmath>
#include <optional>

#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/row_attention.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

double scale_of(std::int64_t dim, std::int64_t heads) {
  return 1 / std::sqrt(static_cast<double>(dim / heads));
}

DotAttention fused(const torch::Tensor& query, const torch::Tensor& keys,
                   const torch::Tensor& values, const torch::Tensor& index, std::int64_t heads) {
  const auto N = query.size(0), D = query.size(1);
  DotAttention seen{torch::zeros_like(query), query.new_zeros(index.sizes())};
  const auto scores = query.new_empty(index.sizes());
  with_type(query, [&](auto zero) {
    using T = decltype(zero);
    split(N, /*grain=*/1, [&](std::int64_t begin, std::int64_t end) {
      kernels<T>().dot_attention(begin, end, heads, D / heads, static_cast<T>(scale_of(D, heads)),
                                 query.const_data_ptr<T>(), keys.const_data_ptr<T>(),
                                 values.const_data_ptr<T>(), row_index(index),
                                 scores.template data_ptr<T>(), seen.weights.template data_ptr<T>(),
                                 seen.vectors.template data_ptr<T>());
    });
  });
  return seen;
}

}  // namespace

DotAttention dot_attention_plain(const torch::Tensor& query, const torch::Tensor& keys,
                                 const torch::Tensor& values, const torch::Tensor& index,
                                 std::int64_t heads) {
  const auto N = index.size(0), U = index.size(1), D = query.size(1), hd = D / heads;
  const auto keep = index.ge(0);
  const auto rows = index.clamp_min(0).flatten();
  const auto by_head = [&](const torch::Tensor& table) {  // (N,A,U,hd)
    return table.index_select(0, rows).view({N, U, heads, hd}).transpose(1, 2);
  };
  const auto q = query.view({N, heads, 1, hd}) * scale_of(D, heads);
  const auto scores = (q * by_head(keys)).sum(-1);                                   // (N,A,U)
  const auto weights = masked_softmax(scores, keep.unsqueeze(1).expand_as(scores));  // (N,A,U)
  const auto seen = weights.unsqueeze(2).matmul(by_head(values)).squeeze(2);         // (N,A,hd)
  return {seen.reshape({N, D}), weights.mean(1)};
}

DotAttention dot_attention(const torch::Tensor& query, const torch::Tensor& keys,
                           const torch::Tensor& values, const torch::Tensor& index,
                           std::int64_t heads) {
  if (is_narrow(query) || is_narrow(keys) || is_narrow(values))
    return dot_attention(widened(query), widened(keys), widened(values), index, heads);
  const auto [N, D] = dims<2>(query, "query (N,D)");
  const auto R = dims<2>(keys, "keys (R,D)")[0];
  if (heads < 1 || D % heads != 0)
    throw ShapeError(c10::str("query (N,D): ", D, " is not a multiple of ", heads, " heads"));
  expect_like(keys, {R, D}, query.scalar_type(), "keys (R,D)");
  expect_like(values, {R, D}, query.scalar_type(), "values (R,D)");
  expect_like(index, {N, dims<2>(index, "index (N,U)")[1]}, torch::kLong, "index (N,U)");
  if (R == 0) return {torch::zeros_like(query), query.new_zeros(index.sizes())};
  if (!has_kernels(query, Kernel::kDotAttention) || torch::GradMode::is_enabled())
    return dot_attention_plain(query, keys, values, index, heads);
  return fused(query.contiguous(), keys.contiguous(), values.contiguous(), index.contiguous(),
               heads);
}

torch::Tensor grouped_attention(const torch::Tensor& query, const torch::Tensor& keys,
                                const torch::Tensor& values, const torch::Tensor& keep, bool causal,
                                std::int64_t heads) {
  if (query.scalar_type() != keys.scalar_type() || query.scalar_type() != values.scalar_type())
    return grouped_attention(widened(query), widened(keys), widened(values), keep, causal, heads);
  const auto [B, S, D] = dims<3>(query, "query (B,S,D)");
  const auto J = dims<3>(keys, "keys (B,J,D)")[1];
  expect_like(keys, {B, J, D}, query.scalar_type(), "keys (B,J,D)");
  expect_like(values, {B, J, D}, query.scalar_type(), "values (B,J,D)");
  if (keep.defined()) expect_like(keep, {B, J}, torch::kBool, "keep (B,J)");
  if (query.numel() == 0 || J == 0) return torch::zeros_like(query);
  const auto by_head = [&](const torch::Tensor& x) {  // (B,A,T,hd)
    return x.view({B, x.size(1), heads, D / heads}).transpose(1, 2);
  };
  std::optional<torch::Tensor> mask;
  if (keep.defined()) mask = keep.view({B, 1, 1, J});
  const auto seen =
      torch::scaled_dot_product_attention(by_head(query), by_head(keys), by_head(values), mask,
                                          /*dropout_p=*/0.0, causal);
  return seen.transpose(1, 2).reshape({B, S, D});
}

}  // namespace banter::models
