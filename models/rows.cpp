#include "models/rows.h"

#include "models/layers/shapes.h"

namespace banter::models {
namespace {

/// Fills dimension 1 with zeros up to `width`.
torch::Tensor widened(const torch::Tensor& rows, std::int64_t width) {
  if (rows.dim() < 2 || rows.size(1) == width) return rows;
  auto sizes = rows.sizes().vec();
  sizes[1] = width - sizes[1];
  return torch::cat({rows, rows.new_zeros(sizes)}, 1);
}

}  // namespace

Rows Rows::select(const torch::Tensor& index) const {
  Rows chosen;
  chosen.parts.reserve(parts.size());
  for (const auto& part : parts) chosen.parts.push_back(part.index_select(0, index));
  return chosen;
}

Rows Rows::join(const Rows& a, const Rows& b) {
  if (a.parts.empty()) return b;
  if (b.parts.empty()) return a;
  if (a.parts.size() != b.parts.size())
    throw ShapeError(c10::str("rows to join have ", a.parts.size(), " and ", b.parts.size(),
                              " parts: they come from different models"));
  Rows joined;
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    const auto &x = a.parts[i], &y = b.parts[i];
    const auto width = x.dim() < 2 ? 0 : std::max(x.size(1), y.size(1));
    joined.parts.push_back(torch::cat({widened(x, width), widened(y, width)}));
  }
  return joined;
}

}  // namespace banter::models
