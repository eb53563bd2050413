#include "models/layers/transformer/padded_rows.h"

#include <algorithm>

#include "models/layers/shapes.h"

namespace banter::models {
namespace {

/// Shapes   packed (P,...), place (P) int64 -> (B,width,...)
torch::Tensor laid_out(const torch::Tensor& packed, const torch::Tensor& place, std::int64_t B,
                       std::int64_t width) {
  auto sizes = packed.sizes().vec();
  sizes.front() = B * width;
  const auto flat = packed.new_zeros(sizes).index_copy(0, place, packed);
  sizes.front() = B;
  sizes.insert(sizes.begin() + 1, width);
  return flat.view(sizes);
}

}  // namespace

PaddedRows PaddedRows::of(const torch::Tensor& keep_mask, const torch::Tensor& order) {
  const auto [B, T] = dims<2>(keep_mask, "keep_mask (B,T)");
  expect_like(keep_mask, {B, T}, torch::kBool, "keep_mask (B,T)");
  expect_like(order, {B}, torch::kLong, "order (B)");
  const auto ordered = keep_mask.index_select(0, order);
  const auto kept = ordered.flatten().nonzero().squeeze(1);
  const auto rank = torch::div(kept, std::max<std::int64_t>(T, 1), "floor");
  PaddedRows rows;
  rows.order = order;
  rows.rows = B;
  rows.columns = T;
  rows.row = order.index_select(0, rank);
  rows.place = rows.row * T + (kept - rank * T);
  const auto lengths = ordered.sum(1).to(torch::kCPU).contiguous();
  rows.lengths.assign(lengths.const_data_ptr<std::int64_t>(),
                      lengths.const_data_ptr<std::int64_t>() + B);
  if (B > 0) rows.width = *std::ranges::max_element(rows.lengths);
  rows.positions = {(ordered.cumsum(1) - 1).flatten().index_select(0, kept), rows.width};
  return rows;
}

torch::Tensor PaddedRows::pack(const torch::Tensor& values) const {
  return values.flatten(0, 1).index_select(0, place);
}

torch::Tensor PaddedRows::unpack(const torch::Tensor& packed) const {
  return laid_out(packed, place, rows, columns);
}

torch::Tensor PaddedRows::align(const torch::Tensor& packed) const {
  return laid_out(packed, row * width + positions.index, rows, width);
}

torch::Tensor PaddedRows::index() const {
  return align(torch::arange(1, tokens() + 1, place.options())) - 1;
}

torch::Tensor longest_first(const torch::Tensor& keep_mask) {
  return keep_mask.sum(1).argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
}

}  // namespace banter::models
