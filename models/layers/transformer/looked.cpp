#include "models/layers/transformer/looked.h"

namespace banter::models {

std::vector<KeysValues> flat_rows(std::span<const torch::Tensor> keys_values) {
  std::vector<KeysValues> rows;
  for (std::size_t part = 0; part < keys_values.size(); part += 2)
    rows.push_back({keys_values[part].flatten(0, 1), keys_values[part + 1].flatten(0, 1)});
  return rows;
}

Looked Looked::of(std::span<const torch::Tensor> keys_values, const torch::Tensor& kept,
                  const torch::Tensor& row) {
  const auto J = kept.size(1);
  const auto place = row.unsqueeze(1) * J + torch::arange(J, row.options());
  return {flat_rows(keys_values), place.masked_fill(kept.index_select(0, row).eq(0), -1)};
}

}  // namespace banter::models
