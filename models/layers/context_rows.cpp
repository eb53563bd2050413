#include "models/layers/context_rows.h"

#include <cmath>

#include "models/layers/packing.h"

namespace banter::models {
namespace {

/// The sources at `place` (B,1) of each reply. Shapes   returns (B,H)
torch::Tensor rows_at_place(const ContextRows& turns, const torch::Tensor& place) {
  const auto row = turns.index.gather(1, place).squeeze(1);
  return turns.rows.index_select(0, row.clamp_min(0)).masked_fill(row.lt(0).unsqueeze(1), 0.0);
}

}  // namespace

ContextRows ContextRows::of(const torch::Tensor& vectors, const torch::Tensor& facts,
                            const torch::Tensor& context) {
  ContextRows turns{torch::cat({facts, context}, 1), vectors};
  if (vectors.size(0) == 0) turns.rows = vectors.new_zeros({1, vectors.size(1)});
  return turns;
}

ContextRows ContextRows::own(const torch::Tensor& rows, const torch::Tensor& keep) {
  const auto index = torch::arange(keep.numel(), keep.options().dtype(torch::kLong)).view_as(keep);
  return {index.masked_fill(keep.logical_not(), -1), rows};
}

ContextRows ContextRows::of_memory(const torch::Tensor& memory, const torch::Tensor& keep,
                                   const torch::Tensor& row) {
  const auto U = keep.size(1);
  const auto rows = memory.flatten(0, 1);
  if (!row.is_cpu()) {
    const auto place = row.unsqueeze(1) * U + torch::arange(U, row.options());
    return {place.masked_fill(keep.index_select(0, row).logical_not(), -1), rows};
  }
  // Once a token: the operations above take longer than what they do.
  const auto kept = keep.contiguous(), read = row.contiguous();
  const auto index = torch::empty({row.size(0), U}, row.options());
  const auto* is_kept = kept.const_data_ptr<bool>();
  const auto* from = read.const_data_ptr<std::int64_t>();
  auto* to = index.data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < row.size(0); ++n)
    for (std::int64_t u = 0; u < U; ++u) {
      const auto place = from[n] * U + u;
      *to++ = is_kept[place] ? place : -1;
    }
  return {index, rows};
}

torch::Tensor ContextRows::first() const {
  return rows_at_place(*this, keep().to(torch::kByte).argmax(1, /*keepdim=*/true));
}

torch::Tensor ContextRows::last() const {
  const auto behind = keep().flip(1).to(torch::kByte).argmax(1, /*keepdim=*/true);
  return rows_at_place(*this, index.size(1) - 1 - behind);
}

torch::Tensor rows_at(const torch::Tensor& table, const torch::Tensor& index) {
  const auto picked = table.index_select(0, index.clamp_min(0).flatten());
  return picked.view({index.size(0), index.size(1), table.size(1)});
}

ContextRows run_over(GruImpl& rnn, const ContextRows& turns) {
  const auto packing = make_packing(turns.keep());
  const auto gates = torch::addmm(rnn.bias_ih, turns.rows, rnn.weight_ih.t());
  const auto rows = turns.index.flatten().index_select(0, packing.place);
  const auto states = gru_recurrence(gates.index_select(0, rows), {}, rnn.weight_hh, rnn.bias_hh,
                                     packing)
                          .states;  // (P,H)
  return {packing.index(), states.size(0) > 0 ? states : states.new_zeros({1, states.size(1)})};
}

torch::Tensor distances(const torch::Tensor& keep) {
  return (keep.to(torch::kLong).flip(1).cumsum(1).flip(1) - 1).clamp(0, kDistances - 1);
}

torch::Tensor sinusoidal(std::int64_t positions, std::int64_t width) {
  const auto at = torch::arange(positions, torch::kDouble).unsqueeze(1);
  const auto pair = torch::arange(0, width, 2, torch::kDouble);
  const auto angle = at * torch::exp(pair * (-std::log(10000.0) / static_cast<double>(width)));
  return torch::stack({angle.sin(), angle.cos()}, 2).flatten(1).narrow(1, 0, width);
}

}  // namespace banter::models
