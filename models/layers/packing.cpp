#include "models/layers/packing.h"

#include <algorithm>
#include <numeric>

#include "models/layers/shapes.h"

namespace banter::models {

Packing make_packing(const torch::Tensor& keep_mask) {
  const auto [N, T] = dims<2>(keep_mask, "keep_mask (N,T)");
  expect_like(keep_mask, {N, T}, torch::kBool, "keep_mask (N,T)");
  const auto on_cpu = keep_mask.to(torch::kCPU).contiguous();
  const bool* keep = on_cpu.data_ptr<bool>();

  const auto count = static_cast<std::size_t>(N);
  std::vector<std::vector<std::int64_t>> kept(count);  // places of each row, in order
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t t = 0; t < T; ++t)
      if (keep[n * T + t]) kept[static_cast<std::size_t>(n)].push_back(t);

  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  const auto length = [&](std::int64_t n) { return kept[static_cast<std::size_t>(n)].size(); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return length(a) > length(b); });

  Packing packing;
  packing.rows = N;
  packing.width = T;
  packing.offsets.push_back(0);
  std::vector<std::int64_t> place, row, last(count, 0), inverse(count);
  for (std::size_t step = 0; N > 0 && step < length(order.front()); ++step) {
    std::int64_t running = 0;
    for (; running < N && length(order[static_cast<std::size_t>(running)]) > step; ++running) {
      const auto n = order[static_cast<std::size_t>(running)];
      last[static_cast<std::size_t>(n)] = static_cast<std::int64_t>(place.size());
      place.push_back(n * T + kept[static_cast<std::size_t>(n)][step]);
      row.push_back(n);
    }
    packing.counts.push_back(running);
    packing.offsets.push_back(packing.offsets.back() + running);
  }
  for (std::size_t i = 0; i < count; ++i) {
    inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
    packing.any_empty = packing.any_empty || kept[i].empty();
  }

  const auto device = keep_mask.device();
  const auto ids = [&](const std::vector<std::int64_t>& values) {
    return torch::tensor(values, torch::kLong).to(device);
  };
  packing.order = ids(order);
  packing.inverse = ids(inverse);
  packing.place = ids(place);
  packing.row = ids(row);
  packing.last = ids(last);
  packing.empty = keep_mask.any(1).logical_not();
  return packing;
}

torch::Tensor Packing::index() const {
  return torch::full({rows * width}, -1, place.options())
      .index_copy(0, place, torch::arange(places(), place.options()))
      .view({rows, width});
}

torch::Tensor Packing::mirrored() const {
  std::vector<std::int64_t> mirror(static_cast<std::size_t>(places()));
  for (std::int64_t i = 0; !counts.empty() && i < counts.front(); ++i) {
    const auto shorter = [&](std::int64_t count) { return count > i; };
    const auto length = std::ranges::partition_point(counts, shorter) - counts.begin();
    for (std::int64_t t = 0; t < length; ++t)
      mirror[static_cast<std::size_t>(offsets[static_cast<std::size_t>(t)] + i)] =
          offsets[static_cast<std::size_t>(length - 1 - t)] + i;
  }
  return torch::tensor(mirror, torch::kLong).to(place.device());
}

torch::Tensor Packing::pack(const torch::Tensor& padded) const {
  return padded.flatten(0, 1).index_select(0, place);
}

torch::Tensor Packing::unpack(const torch::Tensor& packed) const {
  auto sizes = packed.sizes().vec();
  sizes.front() = rows * width;
  const auto flat = packed.new_zeros(sizes).index_copy(0, place, packed);
  sizes.front() = rows;
  sizes.insert(sizes.begin() + 1, width);
  return flat.view(sizes);
}

torch::Tensor Packing::at_last(const torch::Tensor& packed) const {
  if (places() == 0) return packed.new_zeros({rows, packed.size(1)});
  const auto values = packed.index_select(0, last);
  return any_empty ? values.masked_fill(empty.unsqueeze(1), 0.0) : values;
}

}  // namespace banter::models
