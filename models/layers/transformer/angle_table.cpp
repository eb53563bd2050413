#include "models/layers/transformer/angle_table.h"

#include <bit>

#include "models/layers/context_rows.h"

namespace banter::models {

torch::Tensor AngleTable::at(const Places& places, const torch::Tensor& like) {
  if (!table_.defined() || table_.size(0) < places.end ||
      table_.scalar_type() != like.scalar_type() || table_.device() != like.device()) {
    const auto room = std::bit_ceil(static_cast<std::uint64_t>(places.end));
    const auto pairs = sinusoidal(static_cast<std::int64_t>(room), width_);  // sine, cosine, sine..
    table_ = torch::cat({pairs.slice(1, 0, width_, 2), pairs.slice(1, 1, width_, 2)}, 1)
                 .to(like.options().requires_grad(false));
  }
  return table_.index_select(0, places.index);
}

}  // namespace banter::models
